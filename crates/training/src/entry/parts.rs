//! Boxes of volumes that lie in a file, read without the rest.

use std::fs::File;
use std::io;

/// A box out of `channels` volumes of size `whole` that follow one another.
pub(super) struct Box3 {
    pub whole: [usize; 3],
    pub channels: usize,
    /// The box's first voxel, which may lie outside.
    pub start: [i64; 3],
    pub size: [usize; 3],
}

impl Box3 {
    /// All voxels.
    pub fn whole(whole: [usize; 3], channels: usize) -> Self {
        Self {
            whole,
            channels,
            start: [0; 3],
            size: whole,
        }
    }

    /// The range of the box along an axis that lies inside, counted in the box.
    fn inside(&self, axis: usize) -> std::ops::Range<usize> {
        let size = self.size[axis] as i64;
        let (start, whole) = (self.start[axis], self.whole[axis] as i64);
        let from = start.saturating_neg().clamp(0, size);
        let until = whole.saturating_sub(start).clamp(from, size);
        from as usize..until as usize
    }
}

/// The values of a box; zero where it reaches outside. `at` is where the volumes begin in the file.
///
/// # Errors
/// A file that ends before, or a disk that fails.
pub(super) fn read_box<const N: usize, T: Copy + Default>(
    file: &File,
    at: u64,
    part: &Box3,
    value: impl Fn([u8; N]) -> T,
) -> io::Result<Vec<T>> {
    let Box3 { whole, size, .. } = *part;
    let mut out = vec![T::default(); size.iter().product::<usize>() * part.channels];
    let [xs, ys, zs] = [0, 1, 2].map(|axis| part.inside(axis));
    if xs.is_empty() || ys.is_empty() {
        return Ok(out);
    }
    // The rows of a slice in one go, with what lies between them.
    let mut bytes = vec![0; ((ys.len() - 1) * whole[0] + xs.len()) * N];
    let first = |axis: usize, from: usize| (part.start[axis] + from as i64) as usize;
    for channel in 0..part.channels {
        for z in zs.clone() {
            let slice = (channel * whole[2] + first(2, z)) * whole[1];
            let begin = (slice + first(1, ys.start)) * whole[0] + first(0, xs.start);
            read_at(file, at + (begin * N) as u64, &mut bytes)?;
            let rows = bytes.as_chunks::<N>().0.chunks(whole[0]);
            for (row, y) in rows.zip(ys.clone()) {
                let target = ((channel * size[2] + z) * size[1] + y) * size[0];
                let target = &mut out[target + xs.start..target + xs.end];
                for (target, &bytes) in target.iter_mut().zip(row) {
                    *target = value(bytes);
                }
            }
        }
    }
    Ok(out)
}

/// Fills a buffer from a place in the file.
///
/// # Errors
/// A file that ends before, or a disk that fails.
pub(super) fn read_at(file: &File, at: u64, buffer: &mut [u8]) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, buffer, at);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < buffer.len() {
            let place = at + done as u64;
            match std::os::windows::fs::FileExt::seek_read(file, &mut buffer[done..], place)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => done += read,
            }
        }
        Ok(())
    }
}
