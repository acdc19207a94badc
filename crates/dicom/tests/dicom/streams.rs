//! Objects to streams: the same as in files, and an error where a stream breaks.

use crate::made::Made;
use crate::seg::{labels, three};
use crate::series::image;
use std::io::{self, Write};
use vesalius_dicom::{
    Error, Measurements, PictureWriter, ReportWriter, RgbPicture, RtStructWriter, SegKind,
    SegWriter, Severity, check_object,
};
use vesalius_volume::{ErrorKind, Volume};

/// A stream that takes so many bytes.
struct Narrow(usize);

impl Write for Narrow {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = bytes.len().min(self.0);
        self.0 -= taken;
        match taken {
            0 => Err(io::ErrorKind::BrokenPipe.into()),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What writes an object to a stream; whether it says that it made a file.
type WriteObject<'a> = &'a dyn Fn(&mut dyn Write) -> Result<bool, Error>;

/// Every kind of object goes to a buffer whole and as a valid object, and breaks with its stream.
#[test]
fn objects_go_to_streams() {
    let folder = tempfile::tempdir().unwrap();
    let series = Made::default().series(folder.path());
    let map = labels(*image(&series).geometry());
    let layers = std::slice::from_ref(&map);
    let seg = SegWriter::new(&series).unwrap().segments(three());
    let share = |step: usize| {
        let at = move |[x, y, z]: [usize; 3]| ((x + y + z) % (step + 2)) as f32 / 4.0;
        Volume::from_fn(*map.geometry(), at)
    };
    let shares = Volume::stack(&[0, 1, 2].map(share)).unwrap();
    let fractional = seg.clone().kind(SegKind::Fractional);
    let contours = RtStructWriter::new(&series).unwrap().segments(three());
    let written = seg.write(&map, folder.path().join("seg")).unwrap();
    let report = ReportWriter::new(&series, &written).unwrap();
    let mut measured = Measurements::of(1);
    measured.volume = Some(12.5);
    let picture = PictureWriter::new(&series).unwrap();
    let bytes = [7; 4 * 3 * 3];

    let files = || std::fs::read_dir(folder.path()).unwrap().count();
    let before = files();
    let objects: [(&str, WriteObject); 5] = [
        ("seg", &|to| Ok(seg.write_to(layers, to)?.path.is_some())),
        ("fractions", &|to| {
            Ok(fractional.write_fractions_to(&shares, to)?.path.is_some())
        }),
        ("contours", &|to| {
            Ok(contours.write_to(&map, to)?.path.is_some())
        }),
        ("report", &|to| {
            let report = report.write_to(std::slice::from_ref(&measured), to)?;
            Ok(report.path.is_some())
        }),
        ("picture", &|to| {
            let picture = picture.write_to(RgbPicture::new([4, 3], &bytes).unwrap(), to)?;
            Ok(picture.path.is_some())
        }),
    ];
    for (name, write) in &objects {
        let mut buffer = Vec::new();
        assert!(
            !write(&mut buffer).unwrap(),
            "{name} says that it is a file"
        );
        let copy = folder.path().join(format!("{name} copied"));
        std::fs::write(&copy, &buffer).unwrap();
        let findings = check_object(&copy).unwrap();
        let wrong: Vec<_> = findings
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:?}");
        for room in [0, 200, buffer.len() * 3 / 4] {
            let error = write(&mut Narrow(room)).unwrap_err();
            assert!(matches!(error, Error::Stream(_)), "{name}, {room}: {error}");
            assert_eq!(error.kind(), ErrorKind::System);
            assert!(error.to_string().contains("not whole"), "{error}");
        }
    }
    assert_eq!(files(), before + objects.len(), "copies, and nothing else");
}
