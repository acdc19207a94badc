// Counts the voxels of each segment of a SEG file as the viewer OHIF reads it (@cornerstonejs/adapters).
//
//   node read.mjs SERIES SEG...
//
// SERIES is the folder of the source's single-frame files (*.dcm). Prints a line of JSON for each SEG:
// {"file", "voxels": {segment number: count}, "labels": [names]} or {"file", "error"}.

import fs from "node:fs";
import path from "node:path";
import dcmjs from "dcmjs";
import { metaData } from "@cornerstonejs/core";
import { adaptersSEG } from "@cornerstonejs/adapters";

const PIXEL_DATA = "7FE00010";

function buffer(file) {
  const bytes = fs.readFileSync(file);
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

function header(file) {
  const set = dcmjs.data.DicomMessage.readFile(buffer(file), { untilTag: PIXEL_DATA });
  return dcmjs.data.DicomMetaDictionary.naturalizeDataset(set.dict);
}

const numbers = (values) => values.map(Number);

function height(slice) {
  const [a, b, c, d, e, f] = numbers(slice.ImageOrientationPatient);
  const normal = [b * f - c * e, c * d - a * f, a * e - b * d];
  return numbers(slice.ImagePositionPatient).reduce((sum, x, i) => sum + x * normal[i], 0);
}

// What the adapter asks of a viewer's metadata about one image.
const MODULES = {
  imagePlaneModule: (slice) => {
    const cosines = numbers(slice.ImageOrientationPatient);
    return {
      frameOfReferenceUID: slice.FrameOfReferenceUID,
      imageOrientationPatient: cosines,
      imagePositionPatient: numbers(slice.ImagePositionPatient),
      rowCosines: cosines.slice(0, 3),
      columnCosines: cosines.slice(3),
      rowPixelSpacing: Number(slice.PixelSpacing[0]),
      columnPixelSpacing: Number(slice.PixelSpacing[1]),
      rows: slice.Rows,
      columns: slice.Columns,
    };
  },
  imagePixelModule: (slice) => ({
    bitsAllocated: slice.BitsAllocated,
    bitsStored: slice.BitsStored,
    highBit: slice.HighBit,
    samplesPerPixel: 1,
    pixelRepresentation: slice.PixelRepresentation,
    photometricInterpretation: slice.PhotometricInterpretation,
    rows: slice.Rows,
    columns: slice.Columns,
  }),
  generalSeriesModule: (slice) => ({
    modality: slice.Modality,
    seriesInstanceUID: slice.SeriesInstanceUID,
    studyInstanceUID: slice.StudyInstanceUID,
  }),
  sopCommonModule: (slice) => ({ sopClassUID: slice.SOPClassUID, sopInstanceUID: slice.SOPInstanceUID }),
  generalImageModule: (slice) => MODULES.sopCommonModule(slice),
  instance: (slice) => slice,
};

async function count(file, imageIds) {
  const read = adaptersSEG.Cornerstone3D.Segmentation.createFromDICOMSegBuffer;
  const found = await read(imageIds, buffer(file), { metadataProvider: metaData, tolerance: 1e-3 });
  const voxels = {};
  for (const image of found.labelMapImages.flat()) {
    const pixels = image.voxelManager ? image.voxelManager.getScalarData() : image.getPixelData();
    for (const label of pixels) if (label) voxels[label] = (voxels[label] ?? 0) + 1;
  }
  const labels = found.segMetadata.data.filter(Boolean).map((segment) => segment.SegmentLabel);
  return { voxels, labels };
}

const [series, ...segs] = process.argv.slice(2);
const slices = new Map();
for (const name of fs.readdirSync(series).filter((name) => name.endsWith(".dcm"))) {
  const slice = header(path.join(series, name));
  slices.set(`image:${slice.SOPInstanceUID}`, slice);
}
metaData.addProvider((kind, id) => {
  const slice = slices.get(id);
  return slice && MODULES[kind]?.(slice);
}, 10000);
const imageIds = [...slices.keys()].sort((a, b) => height(slices.get(a)) - height(slices.get(b)));
for (const file of segs) {
  let line;
  try {
    line = await count(file, imageIds);
  } catch (error) {
    line = { error: String(error.message) };
  }
  console.log(JSON.stringify({ file, ...line }));
}
process.exit(0);
