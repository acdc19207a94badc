#!/usr/bin/env bash
# Whole networks on a GPU, ours on CUDA and on Vulkan beside PyTorch on the same card, one after the
# other. Prints case<TAB>who<TAB>milliseconds.
#
#   benches/gpu.sh          # needs an NVIDIA card, the Vulkan loader and `pip install torch monai nnunetv2`
set -euo pipefail
cd "$(dirname "$0")/.."
cases=(unet_monai_forward_96 unet_monai_forward_128 unet_nnunet_forward_64 unet_monai_train_96_b1 unet_nnunet_train_40x56x40_b2)
cargo build --release --features cuda,vulkan --example peer_speed
for device in cuda vulkan; do
    DEVICE=$device "${CARGO_TARGET_DIR:-target}/release/examples/peer_speed" . "${cases[@]}" |
        sed "s/\tvesalius\t/\tvesalius $device\t/"
done
python3 tests/parity/gpu_speed.py
