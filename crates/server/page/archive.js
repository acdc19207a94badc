// A zip archive, not compressed, of the files that a user chose: how a DICOM series reaches the server.
"use strict";

const Archive = (() => {
  const table = new Uint32Array(256).map((_, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value >>> 0;
  });

  function checksum(bytes) {
    let value = 0xffffffff;
    for (const byte of bytes) value = table[(value ^ byte) & 255] ^ (value >>> 8);
    return (value ^ 0xffffffff) >>> 0;
  }

  // The head of a file, local or of the directory at the end. Names are numbers: the file names of patients stay here.
  function head(signature, entry, isDirectory) {
    const name = new TextEncoder().encode(entry.name);
    const fixed = isDirectory ? 46 : 30;
    const out = new Uint8Array(fixed + name.length);
    const view = new DataView(out.buffer);
    view.setUint32(0, signature, true);
    const at = isDirectory ? 6 : 4;
    if (isDirectory) view.setUint16(4, 20, true);
    view.setUint16(at, 20, true);
    view.setUint16(at + 8, 0x21, true);
    view.setUint32(at + 10, entry.checksum, true);
    view.setUint32(at + 14, entry.size, true);
    view.setUint32(at + 18, entry.size, true);
    view.setUint16(at + 22, name.length, true);
    if (isDirectory) view.setUint32(42, entry.offset, true);
    out.set(name, fixed);
    return out;
  }

  // The archive of these files; `told` is called with the share that was read.
  async function of(files, told) {
    const parts = [], entries = [];
    let offset = 0;
    for (const [index, file] of files.entries()) {
      const bytes = new Uint8Array(await file.arrayBuffer());
      const entry = { name: `${String(index + 1).padStart(6, "0")}.dcm`, size: bytes.length, checksum: checksum(bytes), offset };
      const local = head(0x04034b50, entry, false);
      parts.push(local, file);
      offset += local.length + bytes.length;
      entries.push(entry);
      told((index + 1) / files.length);
    }
    if (offset >= 0xffffffff || entries.length >= 0xffff) throw new Error("The series is larger than 4 GB or has more than 65,534 files; zip it with another program and choose the archive.");
    const directory = entries.map((entry) => head(0x02014b50, entry, true));
    const length = directory.reduce((sum, part) => sum + part.length, 0);
    const end = new DataView(new ArrayBuffer(22));
    end.setUint32(0, 0x06054b50, true);
    end.setUint16(8, entries.length, true);
    end.setUint16(10, entries.length, true);
    end.setUint32(12, length, true);
    end.setUint32(16, offset, true);
    return new Blob([...parts, ...directory, end.buffer]);
  }

  return { of };
})();
