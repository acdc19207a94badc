"""Files in Zstandard as its own programs write them, for crates/io/tests/io/zstd.rs.

    apt-get install zstd        # zstd and pzstd; written with 1.5.4
    python zstd_files.py ../../crates/io/tests/data/zstd

`plain.nii` is the image; all others but `blocks.nii.zst` (five blocks of 128 KiB, made by a formula) unpack to it.
"""

import os
import struct
import subprocess
import sys


def image(size, value):
    """Voxels of int16, 1 x 1 x 2.5 mm."""
    x, y, z = size
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, x, y, z, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 2.5, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<f", header, 112, 1)
    struct.pack_into("<h", header, 254, 1)
    for row, line in enumerate(((1, 0, 0, -8), (0, 1, 0, 3), (0, 0, 2.5, 40))):
        struct.pack_into("<4f", header, 280 + 16 * row, *line)
    header[344:348] = b"n+1\0"
    voxels = [value(i, j, k) for k in range(z) for j in range(y) for i in range(x)]
    return bytes(header) + struct.pack(f"<{len(voxels)}h", *voxels)


def packed(program, content, *options):
    return subprocess.run([program, "-q", "-c", *options], input=content, capture_output=True, check=True).stdout


def main():
    folder = sys.argv[1]
    os.makedirs(folder, exist_ok=True)
    content = image((16, 12, 5), lambda x, y, z: (x * y) % 23 - 5 * z)
    with open(os.path.join(folder, "plain.nii"), "wb") as file:
        file.write(content)

    def save(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)

    by_name = os.path.join(folder, "plain.nii")
    one = ["zstd", "-q", "-c"]
    # From a file, so that the header states the length; the others are made from a stream and do not.
    save("sized.nii.zst", subprocess.run([*one, by_name], capture_output=True, check=True).stdout)
    save("streamed.nii.zst", packed("zstd", content, "-19"))
    save("unchecked.nii.zst", packed("zstd", content, "--no-check"))
    save("window_128.nii.zst", packed("zstd", content, "--ultra", "-22"))
    save("frames.nii.zst", packed("zstd", content[:700]) + packed("zstd", b"") + packed("zstd", content[700:]))
    # pzstd writes a frame without data before each of its own.
    save("skippable.nii.zst", subprocess.run(["pzstd", "-q", "-c", by_name], capture_output=True, check=True).stdout)
    save("window_2048.nii.zst", packed("zstd", content, "--long=31"))
    large = image((96, 80, 40), lambda x, y, z: (x * x + 3 * y * (z // 4)) % 1021)
    save("blocks.nii.zst", packed("zstd", large, "-19"))
    dictionary = os.path.join(folder, "dictionary")
    samples = []
    for part in range(64):
        samples.append(os.path.join(folder, f"sample_{part}"))
        save(f"sample_{part}", content[part * 20 : part * 20 + 700])
    subprocess.run(["zstd", "-q", "--train", *samples, "--maxdict=600", "--dictID=77", "-o", dictionary], check=True)
    save("dictionary.nii.zst", packed("zstd", content, "-D", dictionary))
    for path in [dictionary, *samples]:
        os.remove(path)


main()
