"""TIFFs of every packing that a dataset of pictures may have, and what `tifffile` reads in them.

Writes crates/io/tests/data/tiff/*.tif and crates/io/tests/data/tiff.json: for each file its size
[x, y, z], its channels and its values, [channel][z][y][x].

    python tests/parity/tiff.py        (needs tifffile, imagecodecs, numpy, Pillow)
"""

import json
from pathlib import Path

import imagecodecs
import numpy as np
import PIL
import tifffile
from PIL import Image

ROOT = Path(__file__).resolve().parents[2] / "crates/io/tests/data"
FOLDER = ROOT / "tiff"
WIDTH, HEIGHT = 37, 29

y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
GREY8 = ((x * 7 + y * 3) % 256).astype(np.uint8)
LABELS = ((x // 9 + y // 7) % 5).astype(np.uint8)
GREY16 = (x * 911 + y * 1777).astype(np.uint16)
SIGNED = (x * 300 - y * 411).astype(np.int16)
REAL = (np.sin(x / 5) * 100 + y).astype(np.float32)
RGB = np.stack([GREY8, 255 - GREY8, LABELS * 40], axis=-1)
SMOOTH = np.stack([x * 6, y * 8, 255 - x * 3], axis=-1).astype(np.uint8)
STACK = np.stack([GREY16 + 100 * z for z in range(3)])


def write(name, data, **options):
    options.setdefault("photometric", "minisblack")
    tifffile.imwrite(FOLDER / f"{name}.tif", data, metadata=None, software=False, **options)


def number(value):
    value = float(np.float32(value))
    return int(value) if value.is_integer() else value


def main():
    FOLDER.mkdir(exist_ok=True)
    write("lzw_strips", GREY8, compression="lzw", rowsperstrip=8)
    write("lzw_predictor", GREY16, compression="lzw", predictor=True, rowsperstrip=5)
    write("lzw_big_endian", GREY16, compression="lzw", predictor=True, byteorder=">")
    write("lzw_tiles", SIGNED, compression="lzw", tile=(16, 16))
    write("lzw_pages", STACK, compression="lzw", predictor=True)
    write("lzw_bigtiff", GREY16, compression="lzw", bigtiff=True, tile=(16, 32))
    planes = np.moveaxis(RGB, -1, 0)
    write("lzw_planes", planes, compression="lzw", photometric="rgb", planarconfig="separate")
    write("deflate_tiles", REAL, compression="zlib", tile=(16, 16))
    write("deflate_float_predictor", REAL, compression="zlib", predictor=True)
    write("deflate_float_big_endian", REAL, compression="zlib", predictor=True, byteorder=">")
    write("deflate_colour", RGB, compression="zlib", predictor=True, photometric="rgb")
    write("packbits", LABELS, compression="packbits", rowsperstrip=7)
    write("stored_tiles", GREY16, tile=(16, 16))
    write("jpeg_grey", GREY8, compression="jpeg", compressionargs={"level": 90}, tile=(16, 16))
    write("jpeg_strips", GREY8, compression="jpeg", rowsperstrip=16)
    write(
        "jpeg_rgb",
        SMOOTH,
        compression="jpeg",
        photometric="rgb",
        compressionargs={"level": 95, "outcolorspace": "rgb"},
        tile=(16, 16),
    )
    for name, subsampling in [("jpeg_ycbcr", (1, 1)), ("jpeg_subsampled", (2, 2))]:
        write(
            name,
            SMOOTH,
            compression="jpeg",
            photometric="ycbcr",
            subsampling=subsampling,
            compressionargs={"level": 95},
            tile=(16, 16),
        )
    write("one_bit", LABELS > 2, rowsperstrip=10)
    colours = np.zeros((3, 256), dtype=np.uint16)
    colours[:, 1:5] = [[65535, 0, 0, 9], [0, 65535, 0, 9], [0, 0, 65535, 9]]
    write("palette", LABELS, photometric="palette", colormap=colours, compression="lzw")
    # Of Pillow, which shares the tables of JPEGs among strips and stores YCbCr.
    Image.fromarray(GREY8).save(FOLDER / "pillow_jpeg_grey.tif", compression="jpeg", quality=90)
    Image.fromarray(GREY8).save(FOLDER / "pillow_lzw.tif", compression="tiff_lzw")
    Image.fromarray(LABELS).save(FOLDER / "pillow_packbits.tif", compression="packbits")
    Image.fromarray(RGB).save(FOLDER / "pillow_deflate.tif", compression="tiff_adobe_deflate")

    files = {}
    for path in sorted(FOLDER.glob("*.tif")):
        data = tifffile.imread(path)
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            colour = page.samplesperpixel > 1
            if colour and page.planarconfig == 2:
                data = np.moveaxis(data, 0, -1)
        data = np.moveaxis(data, -1, 0)[:, None] if colour else data.reshape(1, -1, HEIGHT, WIDTH)
        files[path.name] = {
            "size": [data.shape[3], data.shape[2], data.shape[1]],
            "channels": data.shape[0],
            "values": [number(v) for v in data.ravel()],
        }
    made = {
        "tifffile": tifffile.__version__,
        "imagecodecs": imagecodecs.__version__,
        "Pillow": PIL.__version__,
        "files": files,
    }
    (ROOT / "tiff.json").write_text(json.dumps(made, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
