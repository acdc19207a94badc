// Label maps in NIfTI-1 files: read for counting and comparing, written as bytes. Drawing is NiiVue's.
"use strict";

const Nifti = (() => {
  const TYPES = { 2: Uint8Array, 4: Int16Array, 8: Int32Array, 16: Float32Array, 64: Float64Array, 256: Int8Array, 512: Uint16Array, 768: Uint32Array };

  // The file without its compression.
  async function unpacked(buffer) {
    const start = new Uint8Array(buffer, 0, Math.min(2, buffer.byteLength));
    if (start[0] !== 0x1f || start[1] !== 0x8b) return buffer;
    const stream = new Blob([buffer]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).arrayBuffer();
  }

  // The label map of a file: its size and its values, in the order of the file.
  function labels(buffer) {
    const view = new DataView(buffer);
    if (buffer.byteLength < 352 || view.getInt32(0, true) !== 348) throw new Error("the labels are no NIfTI file of the first version, little endian");
    const dims = [1, 2, 3].map((axis) => Math.max(1, view.getInt16(40 + 2 * axis, true)));
    const type = TYPES[view.getInt16(70, true)];
    if (!type) throw new Error("the labels have a type of numbers that this page does not read");
    const offset = view.getFloat32(108, true);
    const count = dims[0] * dims[1] * dims[2];
    return { buffer, dims, values: new type(buffer.slice(offset, offset + count * type.BYTES_PER_ELEMENT)) };
  }

  // A file with the header of another and values of one byte each.
  function withValues(buffer, values) {
    const out = new Uint8Array(352 + values.length);
    out.set(new Uint8Array(buffer, 0, 348));
    const view = new DataView(out.buffer);
    view.setInt16(70, 2, true);
    view.setInt16(72, 8, true);
    view.setFloat32(108, 352, true);
    view.setFloat32(112, 1, true);
    view.setFloat32(116, 0, true);
    out.set(values, 352);
    return out.buffer;
  }

  return { unpacked, labels, withValues };
})();
