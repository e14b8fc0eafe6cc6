//! Images made smaller.

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageDecoder, ImageReader, Limits, Rgba, RgbaImage};
use std::io::Cursor;

/// Longest side of an image that is opened, in pixels, and the memory for it in bytes. A photo of 48 megapixels fits.
const LONGEST_SIDE: u32 = 12_000;
const MEMORY: u64 = 200_000_000;

/// Longest side that is kept. What is larger is made smaller first, in the cheap way: everything else takes several times the
/// memory of the image.
const LONGEST_KEPT: u32 = 2560;

/// Longest side and quality, from what nobody can tell from the original down to what can still be looked at.
const STEPS: [(u32, u8); 8] =
    [(LONGEST_KEPT, 85), (2048, 80), (1600, 80), (1600, 65), (1280, 65), (1024, 60), (800, 55), (640, 45)];

/// The image as a JPEG of at most so many bytes, upright and without what the camera wrote into it (where it was taken,
/// for one).
///
/// # Errors
/// Words for the agent.
pub(super) fn shrink(bytes: &[u8], most: u64) -> Result<Vec<u8>, String> {
    let mut image = open(bytes)?;
    for (side, quality) in STEPS {
        if image.width().max(image.height()) > side {
            image = image.resize(side, side, FilterType::CatmullRom);
        }
        let mut jpeg = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut jpeg, quality);
        image.write_with_encoder(encoder).map_err(|_| unreadable())?;
        if jpeg.len() as u64 <= most {
            return Ok(jpeg);
        }
    }
    Err("cannot be made small enough".to_owned())
}

fn open(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(LONGEST_SIDE);
    limits.max_image_height = Some(LONGEST_SIDE);
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|_| unreadable())?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(|_| unreadable())?;
    // The decoder does not count the image itself.
    limits.reserve(decoder.total_bytes()).map_err(|_| "has too many pixels".to_owned())?;
    let orientation = decoder.orientation().ok();
    let mut image = DynamicImage::from_decoder(decoder).map_err(|_| unreadable())?;
    if image.width().max(image.height()) > LONGEST_KEPT {
        image = image.thumbnail(LONGEST_KEPT, LONGEST_KEPT);
    }
    if let Some(orientation) = orientation {
        image.apply_orientation(orientation);
    }
    Ok(flat(image))
}

/// A JPEG has no transparency; what shows through is white.
fn flat(image: DynamicImage) -> DynamicImage {
    if !image.color().has_alpha() {
        return DynamicImage::ImageRgb8(image.into_rgb8());
    }
    let mut ground = RgbaImage::from_pixel(image.width(), image.height(), Rgba([255; 4]));
    imageops::overlay(&mut ground, &image.to_rgba8(), 0, 0);
    DynamicImage::ImageRgb8(DynamicImage::ImageRgba8(ground).into_rgb8())
}

fn unreadable() -> String {
    "is not an image that can be made smaller".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageFormat, RgbImage};

    /// A picture that does not compress well.
    fn noise(width: u32, height: u32) -> RgbImage {
        let mut state = 1_u32;
        RgbImage::from_fn(width, height, |_, _| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let [_, a, b, c] = state.to_be_bytes();
            image::Rgb([a, b, c])
        })
    }

    fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
        let mut out = Cursor::new(Vec::new());
        image.write_to(&mut out, format).unwrap();
        out.into_inner()
    }

    #[test]
    fn an_image_is_made_as_small_as_it_has_to_be() {
        let large = encoded(&DynamicImage::ImageRgb8(noise(900, 600)), ImageFormat::Png);
        assert!(large.len() > 1_000_000);
        for most in [300_000, 120_000] {
            let jpeg = shrink(&large, most).unwrap();
            assert!(jpeg.len() as u64 <= most);
            let read = image::load_from_memory(&jpeg).unwrap();
            let shape = f64::from(read.width()) / f64::from(read.height());
            assert!((shape - 1.5).abs() < 0.01, "its shape stays: {shape}");
        }
        assert_eq!(shrink(&large, 100).unwrap_err(), "cannot be made small enough");
    }

    #[test]
    fn what_shows_through_is_white() {
        let clear = DynamicImage::ImageRgba8(RgbaImage::from_pixel(20, 10, Rgba([0, 0, 0, 0])));
        let jpeg = shrink(&encoded(&clear, ImageFormat::Png), 10_000).unwrap();
        let read = image::load_from_memory(&jpeg).unwrap().to_rgb8();
        assert!(read.get_pixel(5, 5).0.iter().all(|value| *value > 250));
        assert_eq!(read.dimensions(), (20, 10));
    }

    #[test]
    fn what_is_no_image_is_said_to_be_none() {
        assert_eq!(shrink(b"hello", 10_000).unwrap_err(), unreadable());
        assert_eq!(shrink(b"", 10_000).unwrap_err(), unreadable());
    }

    #[test]
    fn a_small_file_that_claims_to_be_huge_is_not_opened() {
        let mut small = encoded(&DynamicImage::ImageRgb8(noise(4, 4)), ImageFormat::Png);
        // Width and height in the header of a PNG.
        small[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        small[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        assert!(shrink(&small, 10_000).is_err());
    }
}
