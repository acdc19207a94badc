"""The largest resident size of a forward pass in PyTorch, for `peer_speed memory CASE` beside it.

    pip install torch dynamic-network-architectures
    python peer_memory.py                 # prints unet_nnunet_forward_128<TAB>torch<TAB>MiB
"""

import os
import resource

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet

torch.set_num_threads(int(os.environ.get("THREADS", "2")))
network = PlainConvUNet(
    1, 4, (32, 64, 128, 256), torch.nn.Conv3d, 3, (1, 2, 2, 2), 2, 3, 2,
    conv_bias=True,
    norm_op=torch.nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
    nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True},
    deep_supervision=False,
).eval()
image = torch.randn(1, 1, 128, 128, 128)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
with torch.inference_mode():
    network(image)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(f"unet_nnunet_forward_128\ttorch {torch.__version__}\t{peak:.0f}")
print(f"before the pass\ttorch {torch.__version__}\t{before:.0f}")
