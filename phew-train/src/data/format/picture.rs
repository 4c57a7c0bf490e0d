//! One image file: its planes of bytes, or why it cannot be read.

use std::io::Cursor;
use std::ops::Range;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageReader};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

use crate::error::{Result, TrainError};

/// An image as its file has it.
pub(super) struct Picture {
    /// Channels (1 for grey, 3 for colours), rows, columns.
    pub shape: [usize; 3],
    /// A plane for each channel.
    pub planes: Vec<u8>,
}

impl Picture {
    /// Decodes a file. Transparency is left out, and so is what a file has beyond eight bits.
    ///
    /// # Errors
    /// [`TrainError::Corrupt`] if it is damaged: of a JPEG anything that its decoder would have to guess.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let bytes = phew_graph::read_file(path).map_err(TrainError::io(path))?;
        let wrong =
            |problem: String| TrainError::corrupt(path, format!("cannot be decoded: {problem}"));
        if is_jpeg(&bytes) && is_cut_off(&bytes) {
            return Err(TrainError::corrupt(path, "the JPEG is cut off: it has no end"));
        }
        let picture = match is_jpeg(&bytes) {
            true => jpeg(&bytes).map_err(wrong)?,
            false => Self::of(image::load_from_memory(&bytes).map_err(|e| wrong(e.to_string()))?),
        };
        match picture.shape.contains(&0) {
            true => Err(TrainError::corrupt(path, "is an image without a pixel")),
            false => Ok(picture),
        }
    }

    fn of(image: DynamicImage) -> Self {
        let (rows, columns) = (image.height() as usize, image.width() as usize);
        if image.color().channel_count() < 3 {
            return Self { shape: [1, rows, columns], planes: image.into_luma8().into_raw() };
        }
        Self::colours(rows, columns, image.into_rgb8().as_raw())
    }

    fn colours(rows: usize, columns: usize, interleaved: &[u8]) -> Self {
        let plane = |channel| interleaved.iter().skip(channel).step_by(3).copied();
        Self { shape: [3, rows, columns], planes: (0..3).flat_map(plane).collect() }
    }
}

/// Whether a file is an image of grey alone; what cannot be read may be.
pub(super) fn may_be_grey(path: &Path) -> bool {
    let Ok(bytes) = phew_graph::read_file(path) else { return true };
    if is_jpeg(&bytes) {
        let mut decoder = JpegDecoder::new(ZCursor::new(&bytes));
        let read = decoder.decode_headers();
        return read.is_err() || decoder.input_colorspace() == Some(ColorSpace::Luma);
    }
    let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format();
    let decoder = reader.ok().and_then(|reader| reader.into_decoder().ok());
    decoder.is_none_or(|decoder| decoder.color_type().channel_count() < 3)
}

fn is_jpeg(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xd8])
}

fn jpeg(bytes: &[u8]) -> std::result::Result<Picture, String> {
    let options = DecoderOptions::default().set_strict_mode(true);
    let (scans, progressive) = scans(bytes);
    if !has_all_restarts(bytes, &scans) {
        return Err("its restart markers do not follow one another: a part is lost".to_owned());
    }
    let guarded = guarded(bytes, &scans, progressive);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(&guarded), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let size = decoder.dimensions().ok_or("it has no size")?;
    check_length(bytes.len(), size)?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let space = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(|e| e.to_string())?;
    let (columns, rows) = size;
    Ok(match grey {
        true => Picture { shape: [1, rows, columns], planes: pixels },
        false => Picture::colours(rows, columns, &pixels),
    })
}

/// Whether a JPEG lacks its end, which decoders fill up with grey: no end of image after the last scan.
fn is_cut_off(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    last(0xd9) < last(0xda)
}

/// The scans of a JPEG: where the data of each begin and end; and whether it is progressive.
fn scans(bytes: &[u8]) -> (Vec<Range<usize>>, bool) {
    const SOF2: u8 = 0xc2;
    const SOS: u8 = 0xda;
    let (mut at, mut scans, mut progressive) = (2, Vec::new(), false);
    // A segment is its marker, its length, and so many bytes together with those of the length.
    while let Some(&[0xff, marker, high, low]) = bytes.get(at..at + 4) {
        if marker == 0xff {
            at += 1;
            continue;
        }
        at += 2 + usize::from(u16::from_be_bytes([high, low]));
        progressive |= marker == SOF2;
        if marker == SOS {
            // Within a scan stand a stuffed 0xff, and restarts.
            let ends = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0 | 0xd0..=0xd7 | 0xff);
            let data = bytes.get(at..).unwrap_or_default();
            let Some(length) = data.windows(2).position(ends) else { break };
            scans.push(at..at + length);
            at += length;
        }
    }
    (scans, progressive)
}

/// Refuses a JPEG that is too short for so many columns and rows, before time and memory go into what it does not hold.
///
/// Each block of 8 × 8 of each component has at least a bit for its mean (ITU-T T.81, annexes F and G). Where components are
/// sampled in different ways, by factors up to 4, they have together at least half as many blocks as the image.
fn check_length(bytes: usize, (columns, rows): (usize, usize)) -> std::result::Result<(), String> {
    let blocks = columns.div_ceil(8).saturating_mul(rows.div_ceil(8));
    match bytes.saturating_mul(8) >= blocks / 2 {
        true => Ok(()),
        false => Err(format!("{bytes} bytes cannot hold {columns} × {rows} pixels")),
    }
}

/// Whether the restart markers of each scan follow one another: 0 to 7, and again from 0.
fn has_all_restarts(bytes: &[u8], scans: &[Range<usize>]) -> bool {
    scans.iter().all(|scan| {
        let pairs = bytes[scan.clone()].windows(2);
        let restarts = pairs.filter(|pair| pair[0] == 0xff && matches!(pair[1], 0xd0..=0xd7));
        restarts.zip((0xd0..=0xd7).cycle()).all(|(pair, expected)| pair[1] == expected)
    })
}

/// The JPEG with guards behind its scans, so that one which has lost a part of its middle is found out.
///
/// Where a scan ends too early, the decoder takes zeros for the bits that are missing, and says nothing. A guard is ones: no
/// Huffman code consists of ones alone (ITU-T T.81, annex C), so that whoever reads on into it meets an invalid code, and
/// who has all that belongs to the scan never reads it. A loss of a few blocks may still be made up for by what is misread
/// behind it. Where the decoder must find the end of a scan at once there is no
/// guard: behind all scans but the last of a sequential image, and behind the first of a progressive one. So a part that is
/// lost there goes unseen, and so does one between two restart markers.
fn guarded(bytes: &[u8], scans: &[Range<usize>], progressive: bool) -> Vec<u8> {
    // As many as a decoder may read ahead, twice; each 0xff is followed by the 0 that tells it from a marker.
    const GUARD: [[u8; 2]; 16] = [[0xff, 0]; 16];
    let first = if progressive { 1 } else { scans.len().saturating_sub(1) };
    let mut out = Vec::with_capacity(bytes.len() + scans.len() * 2 * GUARD.len());
    let mut copied = 0;
    for scan in scans.iter().skip(first) {
        out.extend_from_slice(&bytes[copied..scan.end]);
        out.extend_from_slice(GUARD.as_flattened());
        copied = scan.end;
    }
    out.extend_from_slice(&bytes[copied..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jpeg_that_is_cut_off_or_damaged_is_refused_wherever_that_is() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jpg");
        let colour = |x: u32, y: u32| [(x * 6) as u8, (y * 6) as u8, (x * y % 251) as u8];
        image::RgbImage::from_fn(40, 40, |x, y| image::Rgb(colour(x, y))).save(&path).unwrap();
        let whole = std::fs::read(&path).unwrap();
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Picture::read(&path)
        };
        // The same pixels as by the usual decoder.
        let usual = image::load_from_memory(&whole).unwrap().into_rgb8();
        let picture = read(&whole).unwrap();
        assert_eq!(picture.planes, Picture::colours(40, 40, usual.as_raw()).planes);
        // What programs append does no harm.
        assert!(read(&[&whole[..], &[0; 7]].concat()).is_ok());
        for share in [0.3, 0.6, 0.9, 0.99] {
            let cut = &whole[..(whole.len() as f64 * share) as usize];
            let error = read(cut).err().unwrap().to_string();
            assert!(error.contains("a.jpg"), "{error}");
        }
    }

    #[test]
    fn a_jpeg_that_has_lost_its_middle_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jpg");
        let read = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            Picture::read(&path)
        };
        let lost = |whole: &[u8], from: usize, to: usize| [&whole[..from], &whole[to..]].concat();
        // Noise: no part of it is like another.
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        image::RgbImage::from_fn(200, 160, |_, _| image::Rgb([noise(), noise(), noise()]))
            .save(&path)
            .unwrap();
        let whole = std::fs::read(&path).unwrap();
        let ([scan], false) = (&scans(&whole).0[..], scans(&whole).1) else { panic!("one scan") };
        for part in 0..20 {
            let from = scan.start + scan.len() * part / 20;
            for size in [400, 1000] {
                let lost = lost(&whole, from, from + size);
                assert!(read(&lost).is_err(), "{size} bytes from {from} of {scan:?}");
            }
        }
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz/corpus/image/");
        // Subsampled, with restarts, in four inks, in colours and in grey scan by scan.
        for name in ["sampled", "restarts", "inks", "scans", "grey-scans"] {
            let whole = std::fs::read(format!("{corpus}{name}.jpg")).unwrap();
            assert!(read(&whole).is_ok(), "{name}");
            if name != "inks" {
                let usual = Picture::of(image::load_from_memory(&whole).unwrap());
                assert!(read(&whole).unwrap().planes == usual.planes, "{name}");
            }
            let last = scans(&whole).0.pop().unwrap();
            for (from, to) in [(0.2, 0.5), (0.1, 0.95)] {
                let place = |share: f64| last.start + (last.len() as f64 * share) as usize;
                let lost = lost(&whole, place(from), place(to));
                assert!(read(&lost).is_err(), "{name}: {from} to {to} of {last:?}");
            }
        }
    }

    #[test]
    fn a_jpeg_of_more_pixels_than_its_bytes_can_hold_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.jpg");
        image::GrayImage::from_pixel(64, 64, image::Luma([7])).save(&path).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        assert!(Picture::read(&path).is_ok());
        // Rows and columns stand behind the marker, a length and a precision.
        let frame = bytes.windows(2).position(|pair| pair == [0xff, 0xc0]).unwrap();
        bytes[frame + 5..frame + 9].copy_from_slice(&[0x28, 0, 0x28, 0]);
        std::fs::write(&path, &bytes).unwrap();
        let error = Picture::read(&path).err().unwrap().to_string();
        assert!(error.contains("bytes cannot hold 10240 × 10240 pixels"), "{error}");
    }

    #[test]
    fn images_without_a_pixel_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.png");
        for (columns, rows) in [(0, 1), (1, 0), (0, 0)] {
            for kind in ["P5", "P6"] {
                std::fs::write(&path, format!("{kind} {columns} {rows} 255 ")).unwrap();
                let error = Picture::read(&path).err().unwrap().to_string();
                assert!(error.contains("a.png: is an image without a pixel"), "{error}");
            }
        }
    }

    #[test]
    fn grey_is_one_plane_and_colours_are_three() {
        let dir = tempfile::tempdir().unwrap();
        let grey = image::GrayImage::from_pixel(3, 2, image::Luma([7]));
        let colour = image::RgbImage::from_pixel(3, 2, image::Rgb([1, 2, 3]));
        for ending in ["png", "bmp", "jpg", "pgm", "webp"] {
            let path = dir.path().join(format!("grey.{ending}"));
            // A BMP has a palette for its greys, which is one of colours, and WebP has colours alone.
            let wanted = if ["bmp", "webp"].contains(&ending) { 3 } else { 1 };
            if grey.save(&path).is_ok() {
                assert_eq!(Picture::read(&path).unwrap().shape, [wanted, 2, 3], "{ending}");
                assert_eq!(may_be_grey(&path), wanted == 1, "{ending}");
            }
        }
        let path = dir.path().join("colour.png");
        colour.save(&path).unwrap();
        let picture = Picture::read(&path).unwrap();
        assert_eq!(picture.planes, [[1_u8; 6], [2; 6], [3; 6]].concat());
        assert!(!may_be_grey(&path));
    }
}
