//! The pictures of the story, drawn here.

use image::{ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use twinwire_sandbox::MediaFile;

type Colour = [u8; 3];

const WHITE: Colour = [255, 255, 255];

/// What a customer sends: a house with a blue door, small enough for any phone.
pub(super) fn house() -> anyhow::Result<MediaFile> {
    let image = RgbImage::from_fn(480, 360, |x, y| Rgb(house_at(x.cast_signed(), y.cast_signed())));
    Ok(MediaFile::new("house.png", "image/png", png(&image)?))
}

/// What the agent sends: a map on paper with a grain, which makes the file too large for SignalWire.
pub(super) fn map() -> anyhow::Result<MediaFile> {
    let mut grain = Grain(1);
    let image = RgbImage::from_fn(1_200, 900, |x, y| {
        Rgb(map_at(x.cast_signed(), y.cast_signed()).map(|value| grain.on(value)))
    });
    Ok(MediaFile::new("map.png", "image/png", png(&image)?))
}

fn png(image: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut file = Cursor::new(Vec::new());
    image.write_to(&mut file, ImageFormat::Png)?;
    Ok(file.into_inner())
}

fn in_circle(x: i32, y: i32, (at_x, at_y): (i32, i32), radius: i32) -> bool {
    (x - at_x).pow(2) + (y - at_y).pow(2) <= radius.pow(2)
}

fn house_at(x: i32, y: i32) -> Colour {
    let from_middle = (x - 240).abs();
    let window = |left: i32| (left..left + 44).contains(&x) && (178..222).contains(&y);
    let frame = |left: i32| (x - left - 22).abs() < 2 || (y - 200).abs() < 2;
    match (x, y) {
        _ if in_circle(x, y, (256, 256), 4) => [240, 200, 80],
        (214..266, 204..300) => [30, 92, 178],
        _ if window(152) || window(284) => {
            if frame(if x < 240 { 152 } else { 284 }) {
                WHITE
            } else {
                [184, 222, 242]
            }
        }
        (130..350, 150..300) => [238, 206, 158],
        (_, 60..150) if from_middle <= (y - 60) * 3 / 2 => [178, 72, 54],
        (_, 300..) if from_middle <= 24 + (y - 300) / 2 => [200, 196, 188],
        (_, 300..) => [104, 172, 84],
        _ if in_circle(x, y, (402, 74), 36) => [250, 210, 70],
        _ => [lighter(120, y / 3), lighter(188, y / 8), 240],
    }
}

fn lighter(value: u8, by: i32) -> u8 {
    value.saturating_add(u8::try_from(by).unwrap_or(u8::MAX))
}

fn map_at(x: i32, y: i32) -> Colour {
    // The way: along one street, then up another.
    let way = ((140..=814).contains(&x) && (y - 700).abs() < 7)
        || ((x - 807).abs() < 7 && (300..=700).contains(&y));
    let street = (x - 87) % 240 < 28 && x > 86 || (y - 77) % 205 < 26 && y > 76;
    let river = y - 640 - (x - 500).pow(2) / 4_000;
    match (x, y) {
        _ if in_circle(x, y, (807, 280), 14) => WHITE,
        _ if in_circle(x, y, (807, 280), 36) => [204, 40, 48],
        _ if in_circle(x, y, (140, 700), 18) => [30, 92, 178],
        _ if way => [230, 84, 60],
        _ if street => [250, 248, 240],
        (..880, _) if (90..160).contains(&river) => [150, 196, 226],
        (355..807, 103..487) if in_circle(x, y, (580, 295), 190) => [168, 208, 142],
        _ => [226, 216, 196],
    }
}

/// Numbers that look like chance and are always the same.
struct Grain(u32);

impl Grain {
    /// A value a little lighter or darker.
    fn on(&mut self, value: u8) -> u8 {
        self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let [by, ..] = self.0.to_be_bytes();
        value.saturating_sub(8).saturating_add(by % 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pictures_are_always_the_same_and_of_the_size_that_the_story_needs() {
        let (house, map) = (house().unwrap(), map().unwrap());
        assert!(house.bytes.len() < 50_000, "{:?}", house.bytes);
        assert!((600_000..5_000_000).contains(&map.bytes.len()), "{:?}", map.bytes);
        assert_eq!(super::map().unwrap().bytes, map.bytes);
    }
}
