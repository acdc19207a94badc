//! Programs of others as peers: DCMTK, Orthanc and pynetdicom. Where one is not installed, its tests say so, or fail if
//! `VESALIUS_REQUIRE_PACS` is set.

use crate::made::{free_port, wait_for};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

fn require(what: &str, found: bool) -> bool {
    if !found {
        let required = std::env::var_os("VESALIUS_REQUIRE_PACS").is_some();
        assert!(
            !required,
            "{what} is not installed, and VESALIUS_REQUIRE_PACS is set"
        );
        println!("skipped: {what} is not installed");
    }
    found
}

/// A program of DCMTK by its full path: pynetdicom installs others with the same names.
pub fn dcmtk(name: &str) -> Option<PathBuf> {
    let path = Path::new("/usr/bin").join(name);
    require("dcmtk", path.exists()).then_some(path)
}

pub fn run(program: &Path, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap()
}

/// What a program printed.
pub fn text(output: &Output) -> String {
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    format!("{out}{err}")
}

/// A program that runs until this is dropped.
pub struct Running {
    child: Child,
    pub port: u16,
    pub folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Running {
    fn start(program: &Path, folder: tempfile::TempDir, port: u16, arguments: &[&str]) -> Self {
        let child = Command::new(program)
            .args(arguments)
            .current_dir(folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let running = Self {
            child,
            port,
            folder,
        };
        wait_for("the start of a peer", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        running
    }
}

/// DCMTK's `storescp`, under the title STORE, which writes to `in`.
pub fn storescp(options: &[&str]) -> Option<Running> {
    let program = dcmtk("storescp")?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let port = free_port();
    let number = port.to_string();
    let mut arguments = vec!["-aet", "STORE", "-od", "in"];
    arguments.extend(options);
    arguments.push(&number);
    Some(Running::start(&program, folder, port, &arguments))
}

/// DCMTK's `dcmqrscp`, under the title QR, which knows SCANNER at a port.
pub fn dcmqrscp(scanner: u16) -> Option<Running> {
    let program = dcmtk("dcmqrscp")?;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("db")).unwrap();
    let port = free_port();
    let config = format!(
        "NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 16\n\
         HostTable BEGIN\nscanner = (SCANNER, localhost, {scanner})\nHostTable END\n\
         VendorTable BEGIN\nVendorTable END\n\
         AETable BEGIN\nQR {} RW (200, 1024mb) ANY\nAETable END\n",
        folder.path().join("db").display()
    );
    std::fs::write(folder.path().join("dcmqrscp.cfg"), config).unwrap();
    Some(Running::start(
        &program,
        folder,
        port,
        &["-c", "dcmqrscp.cfg"],
    ))
}

/// Orthanc, under the title ORTHANC, which knows SCANNER at a port; and the port of its web services.
pub fn orthanc(scanner: u16) -> Option<(Running, u16)> {
    let program = Path::new("/usr/sbin/Orthanc");
    let plugin = Path::new("/usr/share/orthanc/plugins/libOrthancDicomWeb.so");
    if !require("orthanc", program.exists()) || !require("orthanc-dicomweb", plugin.exists()) {
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let (port, web) = (free_port(), free_port());
    let config = format!(
        r#"{{"StorageDirectory": "db", "IndexDirectory": "db", "Plugins": ["{}"],
        "HttpPort": {web}, "RemoteAccessAllowed": false, "AuthenticationEnabled": false,
        "DicomAet": "ORTHANC", "DicomPort": {port}, "DicomCheckCalledAet": true,
        "DicomAlwaysAllowEcho": true, "DicomAlwaysAllowStore": true, "DicomAlwaysAllowFind": true,
        "DicomAlwaysAllowGet": true, "DicomAlwaysAllowMove": true, "UnknownSopClassAccepted": true,
        "OverwriteInstances": false,
        "DicomModalities": {{"scanner": ["SCANNER", "127.0.0.1", {scanner}]}},
        "DicomWeb": {{"Enable": true, "Root": "/dicom-web/", "EnableWado": true, "WadoRoot": "/wado"}}}}"#,
        plugin.display()
    );
    std::fs::write(folder.path().join("orthanc.json"), config).unwrap();
    let running = Running::start(program, folder, port, &["orthanc.json"]);
    wait_for("the start of Orthanc's web services", || {
        std::net::TcpStream::connect(("127.0.0.1", web)).is_ok()
    });
    Some((running, web))
}

/// Runs a script with pynetdicom, by the interpreter named in `VESALIUS_PACS_PYTHON`, or else by `python3`.
pub fn pynetdicom(script: &str, arguments: &[&str]) -> Option<Output> {
    let named = std::env::var_os("VESALIUS_PACS_PYTHON");
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let with = |code: &str, more: &[&str]| {
        Command::new(&python)
            .arg("-c")
            .arg(code)
            .args(more)
            .output()
    };
    let found = with("import pynetdicom", &[]).is_ok_and(|output| output.status.success());
    if !found {
        assert!(
            named.is_none(),
            "the interpreter in VESALIUS_PACS_PYTHON has no pynetdicom"
        );
        println!("skipped: pynetdicom is not installed");
        return None;
    }
    Some(with(script, arguments).unwrap())
}
