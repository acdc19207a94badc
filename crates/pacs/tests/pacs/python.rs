//! pynetdicom as the other side.

use crate::made::*;
use crate::tools::{pynetdicom, text};

const SCRIPT: &str = r#"
import sys, pydicom
from pynetdicom import AE
from pynetdicom.sop_class import Verification, CTImageStorage, StudyRootQueryRetrieveInformationModelFind
port, path = int(sys.argv[1]), sys.argv[2]
ae = AE('SCANNER')
ae.add_requested_context(Verification)
ae.add_requested_context(CTImageStorage, '1.2.840.10008.1.2.1')
ae.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
a = ae.associate('127.0.0.1', port, ae_title='VESALIUS')
assert a.is_established
assert len(a.accepted_contexts) == 2 and len(a.rejected_contexts) == 1, a.rejected_contexts
assert a.send_c_echo(msg_id=4711).Status == 0
for k in range(3):
    status = a.send_c_store(path, msg_id=k + 1)
    assert status.Status == 0, status
ds = pydicom.dcmread(path)
ds.SOPInstanceUID = '1.2.3.4.99'
ds.file_meta.MediaStorageSOPInstanceUID = '1.2.3.4.98'
a.release()
a = ae.associate('127.0.0.1', port, ae_title='VESALIUS')
a.abort()
print('done')
"#;

#[test]
fn pynetdicom_is_answered() {
    let node = Node::start();
    let folder = tempfile::tempdir().unwrap();
    let file = Object::new("1.2.3.4.1").write(folder.path());
    let port = node.port().to_string();
    let Some(output) = pynetdicom(SCRIPT, &[&port, file.to_str().unwrap()]) else {
        return;
    };
    assert!(text(&output).contains("done"), "{}", text(&output));
    assert_eq!(node.receiver.kept().len(), 1);
}
