//! All bytes of a source on disk, whatever happens to the connection on the way.

use crate::checksum::Hasher;
use crate::disk::free;
use crate::partial::{Origin, PIECE, Partial};
use crate::transfer::{Answer, Client, Failure};
use crate::{Error, Result, Source};
use std::io::Read;
use std::time::{Duration, Instant};
use vesalius_control::{Control, Stage};

/// How often a request is tried again without a byte in between.
const TRIES: u32 = 5;
/// How often a file is begun again because the one at the server is another.
const RESTARTS: u32 = 2;

/// A download: what, and within which limits.
pub(crate) struct Download<'a> {
    pub source: &'a Source,
    /// The most bytes that are written.
    pub limit: Option<u64>,
    /// The pause after the first loss of a connection.
    pub first_wait: Duration,
    pub control: &'a Control,
}

impl Download<'_> {
    /// Downloads, or continues to; the bytes have the checksum, and no more than the limit of them were written.
    pub fn run(&self, partial: &mut Partial) -> Result<()> {
        let continued = partial.length() > 0;
        match self.attempt(partial) {
            // The first part may have been damaged on disk, or be of another file of the same name.
            Err(Error::Checksum { .. }) if continued => self.attempt(partial),
            ended => ended,
        }
    }

    fn attempt(&self, partial: &mut Partial) -> Result<()> {
        let Self {
            source, control, ..
        } = *self;
        let mut hasher = start(source, partial, control)?;
        let client = Client::new();
        let stage = control.stage("download (bytes)", partial.origin.total);
        stage.set(partial.length());
        let (mut failures, mut restarts) = (0, 0);
        loop {
            stage.control().check()?;
            let before = partial.length();
            let asked = client.ask(&partial.origin, before, source.checksum.is_some());
            let answered = match asked {
                Ok(answer) => {
                    if answer.start == 0 {
                        hasher = source.checksum.map(|checksum| checksum.hasher());
                    }
                    take(answer, partial, hasher.as_mut(), self.limit, &stage)
                }
                Err(failure) => Err(failure),
            };
            match answered {
                Ok(()) => break,
                Err(Failure::Final(error)) => return Err(error),
                Err(Failure::Stale) if restarts < RESTARTS => {
                    restarts += 1;
                    partial.restart(Origin::at(&source.url))?;
                    hasher = source.checksum.map(|checksum| checksum.hasher());
                }
                Err(Failure::Stale) => {
                    return Err(Error::Answer {
                        url: source.url.clone(),
                        reason: "the server tells one size and then another".to_owned(),
                    });
                }
                Err(Failure::Passing {
                    reason,
                    unreachable,
                }) => {
                    failures = if partial.length() > before {
                        1
                    } else {
                        failures + 1
                    };
                    if failures >= TRIES {
                        return Err(Error::Network {
                            url: source.url.clone(),
                            reason,
                            unreachable: unreachable && partial.length() == 0,
                        });
                    }
                    wait(self.first_wait * 2_u32.pow(failures - 1), control)?;
                }
            }
        }
        drop(stage);
        check(source, partial, hasher)
    }
}

/// The checksum of what is there already.
fn start(source: &Source, partial: &mut Partial, control: &Control) -> Result<Option<Hasher>> {
    let Some(checksum) = source.checksum else {
        return Ok(None);
    };
    let hasher = checksum.hasher();
    if partial.length() == 0 {
        return Ok(Some(hasher));
    }
    partial.hash(hasher, control).map(Some)
}

/// Compares; bytes that are wrong are not kept.
fn check(source: &Source, partial: &mut Partial, hasher: Option<Hasher>) -> Result<()> {
    let (Some(expected), Some(hasher)) = (source.checksum, hasher) else {
        return Ok(());
    };
    let found = hasher.finish();
    if found == expected {
        return Ok(());
    }
    partial.restart(Origin::at(&source.url))?;
    Err(Error::Checksum {
        url: source.url.clone(),
        expected,
        found,
    })
}

/// Writes the bytes of an answer.
fn take(
    mut answer: Answer,
    partial: &mut Partial,
    mut hasher: Option<&mut Hasher>,
    limit: Option<u64>,
    stage: &Stage,
) -> std::result::Result<(), Failure> {
    let end = |error: Error| Failure::Final(error);
    let total = answer.origin.total;
    if answer.start == 0 {
        partial.restart(answer.origin).map_err(end)?;
    } else if total.is_some() && partial.origin.total.is_some() && total != partial.origin.total {
        return Err(Failure::Stale);
    }
    stage.set_total(total);
    stage.set(partial.length());
    let allowed = allowed(partial, total, limit).map_err(end)?;
    let mut piece = vec![0; PIECE];
    loop {
        stage.control().check().map_err(|e| end(e.into()))?;
        let count = match answer.body.read(&mut piece) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(lost(&error)),
        };
        if count == 0 {
            break;
        }
        let length = partial.length() + count as u64;
        if length > allowed {
            return Err(end(Error::TooLarge {
                url: partial.origin.url.clone(),
                size: length,
                limit: allowed,
            }));
        }
        partial.append(&piece[..count]).map_err(end)?;
        if let Some(hasher) = hasher.as_mut() {
            hasher.update(&piece[..count]);
        }
        stage.advance(count as u64);
    }
    match total {
        Some(total) if partial.length() < total => Err(Failure::Passing {
            reason: format!(
                "the connection ended after {} of {total} bytes",
                partial.length()
            ),
            unreachable: false,
        }),
        _ => Ok(()),
    }
}

/// How many bytes the file may have: what was told, else the limit, else what the disk holds.
fn allowed(partial: &Partial, total: Option<u64>, limit: Option<u64>) -> Result<u64> {
    if let (Some(size), Some(limit)) = (total, limit)
        && size > limit
    {
        return Err(Error::TooLarge {
            url: partial.origin.url.clone(),
            size,
            limit,
        });
    }
    let folder = partial.path.parent().unwrap_or(&partial.path);
    let free = free(folder);
    if let (Some(total), Some(free)) = (total, free)
        && total.saturating_sub(partial.length()) > free
    {
        return Err(Error::NoRoom {
            path: folder.to_owned(),
            what: "the download",
            needed: total - partial.length(),
            free,
        });
    }
    let whole_disk = free.map(|free| free.saturating_add(partial.length()));
    Ok(total.or(limit).or(whole_disk).unwrap_or(u64::MAX))
}

/// A connection that ended before the body did.
fn lost(error: &std::io::Error) -> Failure {
    Failure::Passing {
        reason: format!("the connection was lost ({error})"),
        unreachable: false,
    }
}

/// Waits, but not after the work is cancelled.
fn wait(time: Duration, control: &Control) -> Result<()> {
    let end = Instant::now() + time;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        control.check()?;
        std::thread::sleep(left.min(Duration::from_millis(50)));
    }
    Ok(control.check()?)
}
