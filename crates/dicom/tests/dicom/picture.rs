//! Pictures: the pixels that were given, the source's patient, and that text is drawn into them.

use crate::made::Made;
use crate::seg::{items, labels, open, text, three};
use crate::series::image;
use dicom_core::Tag;
use vesalius_dicom::{Error, PictureWriter, RgbPicture, SegWriter, check_object};

#[test]
fn a_picture_comes_back_and_belongs_to_the_source() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let seg = SegWriter::new(&series).unwrap().segments(three());
    let seg = seg.write(&map, folder.path().join("seg")).unwrap();
    for size in [[5, 3], [4, 2], [1, 1]] {
        let bytes: Vec<u8> = (0..size[0] * size[1] * 3).map(|v| (v * 7) as u8).collect();
        let file = folder.path().join(format!("picture{}", size[0]));
        let writer = PictureWriter::new(&series).unwrap().segmentation(&seg);
        let written = writer
            .write(RgbPicture::new(size, &bytes).unwrap(), &file)
            .unwrap();
        let set = open(&file);
        let found = set.get(Tag(0x7FE0, 0x0010)).unwrap().to_bytes().unwrap();
        assert_eq!(found.len() % 2, 0);
        assert_eq!(found[..bytes.len()], bytes);
        assert_eq!(text(&set, 0x0010, 0x0020), "P1");
        assert_eq!(text(&set, 0x0020, 0x000D), "1.2.3");
        assert_eq!(text(&set, 0x0020, 0x000E), written.series_uid);
        assert_eq!(text(&set, 0x0028, 0x0301), "YES");
        assert!(
            set.get(Tag(0x0020, 0x0052)).is_none(),
            "no frame of reference"
        );
        let referenced = items(&set, 0x0008, 0x1115);
        assert_eq!(items(&referenced[0], 0x0008, 0x114A).len(), 6);
        assert_eq!(text(&referenced[1], 0x0020, 0x000E), seg.series_uid);
        assert_eq!(check_object(&file).unwrap(), []);
        let again = writer.write(RgbPicture::new(size, &bytes).unwrap(), &file);
        assert!(matches!(again, Err(Error::Exists { .. })));
    }
}

#[test]
fn bytes_that_are_no_picture_are_refused() {
    for (size, bytes) in [([2, 2], 11), ([0, 4], 0), ([70_000, 1], 210_000)] {
        let pixels = vec![0; bytes];
        let refused = RgbPicture::new(size, &pixels);
        assert!(matches!(refused, Err(Error::Picture(_))), "{size:?}");
    }
}
