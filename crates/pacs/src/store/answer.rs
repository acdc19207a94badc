//! The answer to C-STORE: the object is on the disk before success is told.

use super::{IncomingFile, Receiver};
use crate::association::Association;
use crate::classes::is_storage_class;
use crate::message::{Command, element};
use crate::{Error, Result, Status, is_uid};
use std::io::ErrorKind;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Receives the object of a request, gives it to the receiver, and answers. Errors are those of the association alone.
pub(crate) fn answer_store(
    association: &mut Association,
    context: u8,
    command: &Command,
    receiver: &dyn Receiver,
) -> Result<Status> {
    let status = match requested(association, context, command, receiver) {
        // What follows cannot be used; it must be read before the answer.
        Err(status) => {
            if command.has_data_set() {
                let limit = association.limits().data_set;
                association.receive_data(context, limit, &mut |_| Ok(()))?;
            }
            status
        }
        Ok(wanted) => receive(association, context, &wanted, receiver)?,
    };
    association.send_command(context, &command.response(status))?;
    Ok(status)
}

/// A request that can be met.
struct Wanted {
    class: String,
    instance: String,
    syntax: String,
}

fn requested(
    association: &Association,
    context: u8,
    command: &Command,
    receiver: &dyn Receiver,
) -> std::result::Result<Wanted, Status> {
    let class = command.text(element::AFFECTED_CLASS).unwrap_or_default();
    let instance = command.text(element::AFFECTED_INSTANCE).unwrap_or_default();
    let context = association
        .context_of(context)
        .ok_or(Status::CLASS_NOT_SUPPORTED)?;
    if !is_storage_class(&class) || context.class != class {
        return Err(Status::CLASS_NOT_SUPPORTED);
    }
    if !is_uid(&instance) {
        return Err(Status::INVALID_INSTANCE);
    }
    if !command.has_data_set() {
        return Err(Status::CANNOT_UNDERSTAND);
    }
    let begin = || receiver.begin(&association.peer, &class, &instance);
    catch_unwind(AssertUnwindSafe(begin)).unwrap_or(Err(Status::PROCESSING_FAILURE))?;
    let syntax = context.syntax.clone();
    Ok(Wanted {
        class,
        instance,
        syntax,
    })
}

/// Writes the data set to a file. A disk that fails is no reason to end the association: the rest is read and refused.
fn receive(
    association: &mut Association,
    context: u8,
    wanted: &Wanted,
    receiver: &dyn Receiver,
) -> Result<Status> {
    let source = association.peer.title.clone();
    let created = IncomingFile::data_set(
        receiver.incoming(),
        &wanted.class,
        &wanted.instance,
        &wanted.syntax,
        &source,
    );
    let mut file = created.map_err(|error| status_of(&error));
    let limit = association.limits().data_set;
    association.receive_data(context, limit, &mut |bytes| {
        if let Ok(incoming) = &mut file
            && let Err(error) = incoming.write(bytes)
        {
            tracing::warn!(target: "vesalius", "a received object was not written: {error}");
            file = Err(status_of(&error));
        }
        Ok(())
    })?;
    let file = match file {
        Ok(file) => file,
        Err(status) => return Ok(status),
    };
    let instance = match file.finish() {
        Ok(instance) => instance,
        Err(error) => return Ok(status_of(&error)),
    };
    let header = instance.header();
    if header.class != wanted.class || header.instance != wanted.instance {
        return Ok(Status::DATA_SET_MISMATCH);
    }
    let peer = &association.peer;
    let stored = catch_unwind(AssertUnwindSafe(|| receiver.on_store(peer, instance)));
    Ok(stored.unwrap_or(Status::PROCESSING_FAILURE))
}

/// The status that an error on this side is answered with.
pub(super) fn status_of(error: &Error) -> Status {
    match error {
        Error::DataSet(_) => Status::CANNOT_UNDERSTAND,
        Error::Io { source, .. } => match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                Status::OUT_OF_RESOURCES
            }
            _ => Status::PROCESSING_FAILURE,
        },
        _ => Status::PROCESSING_FAILURE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_out_of_resources_and_nonsense_cannot_be_understood() {
        let io = |kind: ErrorKind| status_of(&Error::io("writing", kind.into()));
        assert_eq!(io(ErrorKind::StorageFull), Status::OUT_OF_RESOURCES);
        assert_eq!(io(ErrorKind::QuotaExceeded), Status::OUT_OF_RESOURCES);
        assert!(io(ErrorKind::StorageFull).may_succeed_later());
        assert_eq!(io(ErrorKind::PermissionDenied), Status::PROCESSING_FAILURE);
        assert_eq!(
            status_of(&Error::DataSet("x".into())),
            Status::CANNOT_UNDERSTAND
        );
    }
}
