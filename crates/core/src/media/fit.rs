//! Whether and how files go into one message of a side.

/// How files travel to a side with a message, and what it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How they get there.
    pub way: Way,
    /// Files in one message.
    pub most: usize,
    /// Bytes of all of them together.
    pub total: u64,
    /// Types that it takes, and bytes of one file of each. `image/*` stands for every kind of image and `*/*` for
    /// everything; the first that fits counts.
    pub types: &'static [(&'static str, u64)],
}

/// How files get to a side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Their bytes go with the message.
    Uploaded,
    /// It fetches them at an address of ours.
    ByUrl,
}

impl Limits {
    /// The bytes that one file of a type may have; none when the type is not taken.
    pub fn of_type(&self, content_type: &str) -> Option<u64> {
        self.types.iter().find(|(pattern, _)| matches(pattern, content_type)).map(|(_, most)| *most)
    }
}

fn matches(pattern: &str, content_type: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some("*/") => true,
        Some(kind) => content_type.starts_with(kind),
        None => pattern == content_type,
    }
}

/// A media type without its parameters, in lower case; empty where it is none. It comes from outside and goes into headers.
pub fn essence(content_type: &str) -> String {
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_name = |name: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"!#$&-^_.+*".contains(&b);
        (1..=100).contains(&name.len()) && name.bytes().all(plain)
    };
    let names = essence.split_once('/').is_some_and(|(kind, name)| is_name(kind) && is_name(name));
    if names { essence } else { String::new() }
}

/// What a file has to become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// It goes as it is.
    AsIs,
    /// It is an image and has to be made anew as a JPEG of at most so many bytes.
    Shrunk(u64),
}

/// Type and size of a file, and what people call it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// See [`essence`].
    pub content_type: String,
    /// Bytes.
    pub size: u64,
    /// For the words of a refusal.
    pub title: String,
}

/// What images are made into.
const JPEG: &str = "image/jpeg";
/// Less than this no picture is worth looking at.
const LEAST: u64 = 20_000;

/// How all of `files` can go into one message, in order. Images give way to what cannot be made smaller.
///
/// # Errors
/// Words for the agent, when they cannot.
pub fn all(files: &[Weighed], limits: &Limits, place: &str) -> Result<Vec<Fit>, String> {
    if files.len() > limits.most {
        let most = match limits.most {
            1 => "one file".to_owned(),
            many => format!("{many} files"),
        };
        return Err(format!(
            "the message has {} files, and {place} takes {most} in one message: send them in several messages",
            files.len()
        ));
    }
    let jpeg = limits.of_type(JPEG);
    let mut fits = Vec::new();
    for file in files {
        fits.push(
            match (limits.of_type(&file.content_type), jpeg.filter(|_| is_picture(&file.content_type))) {
                (Some(most), _) if file.size <= most => Fit::AsIs,
                (_, Some(most)) => Fit::Shrunk(most),
                (Some(most), None) => return Err(too_large(file, most, place)),
                (None, None) => {
                    let Weighed { title, content_type, .. } = file;
                    return Err(format!("{place} does not take files such as {title} ({content_type})"));
                }
            },
        );
    }
    together(files, fits, limits, place)
}

/// Makes images give way until all of it is light enough.
fn together(files: &[Weighed], mut fits: Vec<Fit>, limits: &Limits, place: &str) -> Result<Vec<Fit>, String> {
    let weight = |file: &Weighed, fit: &Fit| match fit {
        Fit::AsIs => file.size,
        Fit::Shrunk(most) => file.size.min(*most),
    };
    let sum: u64 = files.iter().zip(&fits).map(|(file, fit)| weight(file, fit)).sum();
    if sum <= limits.total {
        return Ok(fits);
    }
    let can_give = |file: &Weighed| is_picture(&file.content_type) && limits.of_type(JPEG).is_some();
    let fixed: u64 = files.iter().filter(|file| !can_give(file)).map(|file| file.size).sum();
    let pictures = files.iter().filter(|file| can_give(file)).count() as u64;
    let each = limits.total.saturating_sub(fixed).checked_div(pictures).unwrap_or(0);
    if each < LEAST {
        return Err(format!(
            "the files have {} together, and {place} takes {} in one message",
            size(sum),
            size(limits.total)
        ));
    }
    for (file, fit) in files.iter().zip(&mut fits).filter(|(file, _)| can_give(file)) {
        if weight(file, fit) > each {
            *fit = Fit::Shrunk(each);
        }
    }
    Ok(fits)
}

/// Which of `sizes` go along, in order, for as long as there is room: for a customer's message, which is not held up by
/// what does not fit.
pub fn some(files: &[Weighed], limits: &Limits) -> Vec<bool> {
    let (mut room, mut count) = (limits.total, 0);
    let mut take = |file: &Weighed| {
        let fits = count < limits.most
            && file.size <= room
            && limits.of_type(&file.content_type).is_some_and(|most| file.size <= most);
        if fits {
            room -= file.size;
            count += 1;
        }
        fits
    };
    files.iter().map(&mut take).collect()
}

/// An image that can be made anew without losing what it shows; a moving one or a drawing would lose it.
fn is_picture(content_type: &str) -> bool {
    matches!(
        content_type,
        "image/jpeg" | "image/jpg" | "image/png" | "image/webp" | "image/bmp" | "image/tiff"
    )
}

fn too_large(file: &Weighed, most: u64, place: &str) -> String {
    format!("{} has {}, and {place} takes {} of such a file", file.title, size(file.size), size(most))
}

/// A size for people.
pub fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1_000)),
        _ => {
            let tenths = (bytes + 50_000) / 100_000;
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}
