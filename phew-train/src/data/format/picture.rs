//! One image file: its planes of bytes, or why it cannot be read.

use std::io::Cursor;
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
        if is_jpeg(&bytes) {
            if is_cut_off(&bytes) {
                return Err(TrainError::corrupt(path, "the JPEG is cut off: it has no end"));
            }
            return jpeg(&bytes).map_err(wrong);
        }
        Ok(Self::of(image::load_from_memory(&bytes).map_err(|e| wrong(e.to_string()))?))
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
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let space = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(|e| e.to_string())?;
    let (columns, rows) = decoder.dimensions().ok_or("it has no size")?;
    Ok(match grey {
        true => Picture { shape: [1, rows, columns], planes: pixels },
        false => Picture::colours(rows, columns, &pixels),
    })
}

/// Whether a JPEG lacks its end, which decoders fill up with grey: no end of image after the last scan. (One that has lost
/// the middle of its last scan and kept its end is filled up all the same: its decoder does not say so.)
fn is_cut_off(bytes: &[u8]) -> bool {
    let last = |marker: u8| bytes.windows(2).rposition(|pair| pair == [0xff, marker]);
    last(0xd9) < last(0xda)
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
