"""Parity of image reading with nibabel, SimpleITK and pydicom.

  python tests/parity/images.py generate          # small inputs and the peers' numbers -> crates/io/tests/data
  python tests/parity/images.py walk FACTS        # sample files of the packages, ours against theirs;
                                                  # what it printed last is in images_walk.txt

FACTS is the binary of `cargo build --example image_facts -p vesalius-io`. The versions used are
written into images.json. Needs: nibabel, SimpleITK, pydicom, numpy, imagecodecs.
"""

import itertools
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import imagecodecs
import nibabel
import numpy as np
import pydicom
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "crates/io/tests/data"
SHARED = ROOT.parent / "shared/data"
FLIP = np.diag([-1.0, -1.0, 1.0, 1.0])


def crc(values):
    """CRC-32 of the values as little-endian f64, x fastest."""
    return zlib.crc32(np.ascontiguousarray(values, dtype="<f8").tobytes())


def sitk_facts(image):
    """Affine in RAS, size and CRC of a SimpleITK image; channels outermost."""
    affine = np.eye(4)
    direction = np.array(image.GetDirection()).reshape(3, 3)
    affine[:3, :3] = direction * np.array(image.GetSpacing())
    affine[:3, 3] = image.GetOrigin()
    values = sitk.GetArrayFromImage(image)
    channels = image.GetNumberOfComponentsPerPixel()
    if channels > 1:
        values = np.moveaxis(values, -1, 0)
    return facts(FLIP @ affine, image.GetSize(), channels, values)


def facts(affine, size, channels, values):
    return {
        "size": [int(n) for n in size],
        "channels": int(channels),
        "affine": (np.asarray(affine, dtype=float) + 0.0).tolist(),
        "crc": crc(values),
    }


def read_sitk(path):
    image = sitk.ReadImage(str(path))
    if image.GetDimension() != 3:
        raise ValueError(f"{image.GetDimension()} axes")
    return sitk_facts(image)


def read_nibabel(path):
    image = nibabel.load(path)
    values = np.asarray(image.dataobj, dtype=np.float64)
    if values.dtype.kind not in "f" or np.iscomplexobj(image.dataobj):
        raise ValueError("not real numbers")
    while values.ndim < 3:
        values = values[..., None]
    squeezed = values.reshape(values.shape[:3] + tuple(n for n in values.shape[3:] if n > 1))
    channels = squeezed.shape[3] if squeezed.ndim > 3 else 1
    return facts(image.affine, squeezed.shape[:3], channels, squeezed.T)


def read_pydicom(path):
    """Values alone: pydicom builds no geometry."""
    data = pydicom.dcmread(path, force=True)
    values = data.pixel_array.astype(np.float64)
    if data.get("SamplesPerPixel", 1) != 1:
        raise ValueError("colour")
    values = values * float(data.get("RescaleSlope", 1) or 1) + float(data.get("RescaleIntercept", 0) or 0)
    return {"crc": crc(values)}


def oblique(flips, spacing, angle):
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    affine = np.eye(4)
    affine[:3, :3] = turn @ np.diag(np.array(spacing) * flips)
    affine[:3, 3] = [-31.7, 12.9, 104.3]
    return affine


TYPES = ["u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8"]


def volume(size, kind, seed):
    generator = np.random.default_rng(seed)
    dtype = np.dtype(kind)
    if dtype.kind == "f":
        return generator.normal(0, 1000, size).astype(dtype)
    info = np.iinfo(dtype)
    # 64-bit integers beyond 2^53 have no f64 to compare with.
    low, high = max(info.min, -(2**53)), min(info.max, 2**53)
    return generator.integers(low, high, size, dtype=dtype, endpoint=True)


def generate_nifti(folder):
    sizes = [(5, 4, 3), (1, 6, 2), (7, 1, 1), (3, 5, 1)]
    flips = list(itertools.product([1, -1], repeat=3))
    for i, (kind, endian) in enumerate(itertools.product(TYPES, "<>")):
        values = volume(sizes[i % 4], kind, i)
        affine = oblique(flips[i % 8], (0.7, 1.3, 2.9), 0.11 * i)
        for version, name in ((nibabel.Nifti1Image, "1"), (nibabel.Nifti2Image, "2")):
            header = version.header_class(endianness=endian)
            image = version(values, affine, header, dtype=values.dtype)
            order = "le" if endian == "<" else "be"
            ending = ".nii.gz" if (i + int(name)) % 3 == 0 else ".nii"
            nibabel.save(image, folder / f"nifti{name}_{kind}_{order}{ending}")
    for name, codes in (("qform", (0, 1)), ("sform", (1, 0)), ("both", (2, 1))):
        image = nibabel.Nifti1Image(volume((4, 4, 4), "i2", 7), np.eye(4))
        image.header.set_slope_inter(0.37, -12.5)
        image.set_qform(oblique((1, -1, 1), (1, 2, 3), 0.4), codes[1])
        image.set_sform(oblique((1, 1, -1), (1.5, 2, 3), 0.7) if codes[0] else None, codes[0])
        nibabel.save(image, folder / f"nifti_{name}.nii")
    pair = nibabel.Nifti1Pair(volume((4, 3, 2), "i2", 9), oblique((1, 1, 1), (1, 1, 2), 0.3))
    nibabel.save(pair, folder / "pair.img")


def generate_itk(folder):
    for i, kind in enumerate(["u1", "i1", "u2", "i2", "u4", "i4", "f4", "f8"]):
        image = sitk.GetImageFromArray(volume((3, 4, 5), kind, 100 + i))
        affine = oblique((1, 1, 1), (0.7, 1.3, 2.9), 0.2 * i)
        image.SetSpacing((0.7, 1.3, 2.9))
        image.SetOrigin(affine[:3, 3])
        image.SetDirection((affine[:3, :3] / [0.7, 1.3, 2.9]).ravel())
        for ending in ("mha", "nrrd"):
            sitk.WriteImage(image, str(folder / f"itk_{kind}.{ending}"), i % 2 == 0)
    vector = sitk.GetImageFromArray(volume((3, 4, 5, 2), "f4", 200), isVector=True)
    for ending in ("mha", "nrrd"):
        sitk.WriteImage(vector, str(folder / f"itk_vector.{ending}"), True)


def generate_dicom(folder):
    """One slice a transfer syntax, written by GDCM and pydicom."""
    values = np.random.default_rng(3).integers(-900, 1200, (1, 13, 17), dtype=np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing((0.7, 0.9, 2.5))
    tags = {
        "0020|0032": "-31.7\\12.9\\104.3", "0020|0037": "1\\0\\0\\0\\1\\0", "0028|0030": "0.9\\0.7",
        "0018|0050": "2.5", "0008|0060": "CT", "0020|0052": "1.2.3", "0020|0013": "1",
    }
    for tag, value in tags.items():
        image.SetMetaData(tag, value)
    for name, compressor in (("raw", None), ("jpeg_lossless", "JPEG"), ("jpeg_2000", "JPEG2000")):
        writer = sitk.ImageFileWriter()
        writer.SetFileName(str(folder / f"ct_{name}.dcm"))
        writer.SetUseCompression(compressor is not None)
        if compressor:
            writer.SetCompressor(compressor)
        writer.Execute(image)
    data = pydicom.dcmread(folder / "ct_raw.dcm")
    data.compress(pydicom.uid.RLELossless, generate_instance_uid=False)
    data.save_as(folder / "ct_rle.dcm")
    generate_jpeg_ls(folder)
    for name, uid in (("deflated", pydicom.uid.DeflatedExplicitVRLittleEndian),
                      ("implicit", pydicom.uid.ImplicitVRLittleEndian)):
        data = pydicom.dcmread(folder / "ct_raw.dcm")
        data.file_meta.TransferSyntaxUID = uid
        pydicom.dcmwrite(folder / f"ct_{name}.dcm", data, implicit_vr=name == "implicit", little_endian=True)


def generate_jpeg_ls(folder):
    """Lossless, and with an error of at most 2, by CharLS."""
    for name, near in (("jpeg_ls", 0), ("jpeg_ls_near", 2)):
        data = pydicom.dcmread(folder / "ct_raw.dcm")
        code = imagecodecs.jpegls_encode(data.pixel_array.view(np.uint16), level=near)
        data.PixelData = pydicom.encaps.encapsulate([bytes(code)])
        data["PixelData"].VR = "OB"
        data["PixelData"].is_undefined_length = True
        uid = pydicom.uid.JPEGLSNearLossless if near else pydicom.uid.JPEGLSLossless
        data.file_meta.TransferSyntaxUID = uid
        pydicom.dcmwrite(folder / f"ct_{name}.dcm", data)


def generate():
    folder = DATA / "images"
    for old in folder.iterdir():
        old.unlink()
    generate_nifti(folder)
    generate_itk(folder)
    generate_dicom(folder)
    entries = []
    for path in sorted(folder.iterdir()):
        if path.suffix == ".img":
            continue
        name = path.name
        read = read_nibabel if name.startswith(("nifti", "pair")) else read_sitk
        # A pair is read by its header.
        entry = {"file": name, "peer": read.__name__[5:], **read(path)}
        if name.startswith("ct_"):
            # ITK takes 1 mm for a slice that stands alone; SliceThickness says 2.5.
            assert entry["affine"][2][2] == 1.0
            entry["affine"][2][2] = 2.5
        entries.append(entry)
    series = []
    for folder in sorted((SHARED / "dicom").iterdir()):
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
        series.append({"folder": f"dicom/{folder.name}", **sitk_facts(reader.Execute())})
    for path in sorted((SHARED / "Task04_Hippocampus/imagesTr").glob("*.nii.gz"))[:10]:
        series.append({"folder": f"Task04_Hippocampus/imagesTr/{path.name}", **read_nibabel(path)})
    versions = {m.__name__: getattr(m, "__version__", "") for m in (nibabel, sitk, pydicom, np, imagecodecs)}
    lines = lambda rows: "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]"
    text = f'{{"versions": {json.dumps(versions)},\n"files": {lines(entries)},\n"shared": {lines(series)}}}\n'
    (DATA / "images.json").write_text(text)
    print(len(entries), "files,", len(series), "in shared")


def attempt(read, path):
    try:
        return read(path)
    except Exception as error:
        return {"error": str(error).strip().splitlines()[-1][:160] if str(error).strip() else type(error).__name__}


def same(ours, theirs):
    if "error" in theirs:
        return None
    if ours["crc"] != theirs["crc"]:
        return "values"
    if ours["refused"]:
        return "values equal, no position for us"
    if "affine" in theirs and not np.allclose(ours["affine"], theirs["affine"], atol=1e-5, rtol=0):
        return "affine"
    return "equal"


def walk(binary):
    dicom = Path(pydicom.__file__).parent / "data/test_files"
    nifti = Path(nibabel.__file__).parent / "tests/data"
    groups = {
        "pydicom test_files": (sorted(p for p in dicom.rglob("*") if p.suffix == ".dcm"), [read_pydicom, read_sitk]),
        "nibabel tests/data": (
            sorted(p for p in nifti.rglob("*") if p.name.endswith((".nii", ".nii.gz", ".hdr"))), [read_nibabel, read_sitk]),
    }
    for title, (paths, peers) in groups.items():
        output = subprocess.run([binary, *map(str, paths)], capture_output=True, text=True, check=True).stdout
        counts = {("ours", "read"): 0, ("ours", "read, no position"): 0, ("ours", "refused"): 0}
        print(f"== {title}: {len(paths)} files")
        for path, line in zip(paths, output.splitlines()):
            ours = json.loads(line)
            word = [] if "error" not in ours else [f"ours refused: {ours['error'][:230]}"]
            own = "refused" if "error" in ours else "read, no position" if ours["refused"] else "read"
            counts["ours", own] += 1
            for peer in peers:
                theirs = attempt(peer, path)
                if "error" in ours:
                    outcome = "both refused" if "error" in theirs else "refused by us alone"
                else:
                    outcome = same(ours, theirs) or "refused by the peer alone"
                key = (peer.__name__[5:], outcome)
                counts[key] = counts.get(key, 0) + 1
                if outcome != "equal":
                    word.append(f"{peer.__name__[5:]}: {outcome} {theirs.get('error', '')}")
            if word:
                text = f"{path.name}\n    " + "\n    ".join(word)
                print(re.sub(r"0x[0-9a-f]+", "0x", text.replace(f"{path.parent}/", "").replace("\t", " ")))
        for key, count in sorted(counts.items()):
            print(f"-- {key[0]}: {key[1]}: {count}")


if __name__ == "__main__":
    if sys.argv[1:] == ["generate"]:
        generate()
    elif len(sys.argv) == 3 and sys.argv[1] == "walk":
        walk(os.path.abspath(sys.argv[2]))
    else:
        sys.exit(__doc__)
