//! The embedded data set; `data/README.md` names its authors, licence and source.

const SIDE: usize = 8;
/// Grey values of an image.
pub const PIXELS: usize = SIDE * SIDE;
/// Digits 0 to 9.
pub const CLASSES: usize = 10;
/// Every fifth image is held out.
const HELD_OUT_EVERY: usize = 5;

const CSV: &str = include_str!("../data/digits.csv");

/// One image: grey values scaled to 0..=1 in steps of 1/16 (exact in `f32`), and the digit it shows.
#[derive(Clone)]
pub struct Image {
    pub pixels: [f32; PIXELS],
    pub digit: usize,
}

/// The images to learn from (each also moved by one pixel in the four directions, since a digit stays the same digit)
/// and the held-out fifth, as it is; the same for every seed, so that accuracies compare.
pub struct Split {
    pub train: Vec<Image>,
    pub held_out: Vec<Image>,
}

/// Reads the embedded file.
pub fn load() -> Result<Split, String> {
    let mut split = Split { train: Vec::new(), held_out: Vec::new() };
    for (index, line) in CSV.lines().enumerate() {
        let image = parse(line).ok_or_else(|| {
            format!("line {} of the embedded digits.csv is not 64 grey values and a digit", index + 1)
        })?;
        if index % HELD_OUT_EVERY == HELD_OUT_EVERY - 1 {
            split.held_out.push(image);
        } else {
            split.train.extend([(0, -1), (0, 1), (-1, 0), (1, 0)].map(|(down, right)| moved(&image, down, right)));
            split.train.push(image);
        }
    }
    Ok(split)
}

fn parse(line: &str) -> Option<Image> {
    let mut fields = line.split(',').map(|field| field.parse::<u8>().ok());
    let mut pixels = [0.0; PIXELS];
    for pixel in &mut pixels {
        *pixel = f32::from(fields.next()??.min(16)) / 16.0;
    }
    let digit = usize::from(fields.next()??);
    (digit < CLASSES && fields.next().is_none()).then_some(Image { pixels, digit })
}

/// The image moved by some pixels; what comes in from the edge is empty.
fn moved(image: &Image, down: isize, right: isize) -> Image {
    let side = SIDE as isize;
    let mut pixels = [0.0; PIXELS];
    for (index, pixel) in pixels.iter_mut().enumerate() {
        let (row, column) = (index as isize / side - down, index as isize % side - right);
        if (0..side).contains(&row) && (0..side).contains(&column) {
            *pixel = image.pixels[(row * side + column) as usize];
        }
    }
    Image { pixels, digit: image.digit }
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_embedded_file_is_the_one_that_its_readme_names() {
        let readme = include_str!("../data/README.md");
        assert!(readme.contains(&hex::encode(Sha256::digest(CSV))));
    }

    #[test]
    fn moving_there_and_back_loses_only_an_edge() {
        let image = load().unwrap().held_out.remove(0);
        let back = moved(&moved(&image, 0, 1), 0, -1);
        for index in 0..PIXELS {
            let kept = if index % SIDE == SIDE - 1 { 0.0 } else { image.pixels[index] };
            assert_eq!(back.pixels[index], kept);
        }
    }

    #[test]
    fn a_fifth_is_held_out() {
        let split = load().unwrap();
        assert_eq!((split.train.len(), split.held_out.len()), (1438 * 5, 359));
    }
}
