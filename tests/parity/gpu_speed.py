"""The networks of `examples/peer_speed` in PyTorch on a CUDA card: f32, TF32 and bfloat16.

    pip install torch monai nnunetv2
    python gpu_speed.py                  # prints case<TAB>torch KIND<TAB>milliseconds (median of 10)
"""

import statistics
import time

import torch
from dynamic_network_architectures.architectures.unet import PlainConvUNet
from monai.losses import DiceCELoss
from monai.networks.nets import UNet


def monai_unet():
    return UNet(3, 1, 2, channels=(16, 32, 64, 128, 256), strides=(2, 2, 2, 2), num_res_units=2)


def nnunet_unet():
    return PlainConvUNet(
        1, 4, (32, 64, 128, 256), torch.nn.Conv3d, 3, (1, 2, 2, 2), 2, 3, 2,
        conv_bias=True,
        norm_op=torch.nn.InstanceNorm3d, norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=torch.nn.LeakyReLU, nonlin_kwargs={"inplace": True},
        deep_supervision=False,
    )


def median_milliseconds(work, runs=10, warm_up=5):
    took = []
    for run in range(runs + warm_up):
        torch.cuda.synchronize()
        start = time.perf_counter()
        work()
        torch.cuda.synchronize()
        if run >= warm_up:
            took.append(time.perf_counter() - start)
    return statistics.median(took) * 1e3


def forward(make, shape, kind):
    network, x = make().cuda().eval(), torch.randn(1, 1, *shape, device="cuda")

    def work():
        with torch.inference_mode(), torch.autocast("cuda", torch.bfloat16, enabled=kind == "bf16"):
            network(x)

    return median_milliseconds(work)


def train(make, shape, batch, kind):
    network = make().cuda().train()
    optimizer, loss = torch.optim.AdamW(network.parameters(), 1e-3), DiceCELoss(to_onehot_y=True, softmax=True)
    x = torch.randn(batch, 1, *shape, device="cuda")
    y = torch.randint(0, network(x[:1]).shape[1], (batch, 1, *shape), device="cuda")

    def work():
        optimizer.zero_grad()
        with torch.autocast("cuda", torch.bfloat16, enabled=kind == "bf16"):
            output = network(x)
        loss(output.float(), y).backward()
        optimizer.step()

    return median_milliseconds(work)


for kind in ("f32", "tf32", "bf16"):
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = kind != "f32"
    results = {
        "unet_monai_forward_96": forward(monai_unet, (96, 96, 96), kind),
        "unet_monai_forward_128": forward(monai_unet, (128, 128, 128), kind),
        "unet_nnunet_forward_64": forward(nnunet_unet, (64, 64, 64), kind),
        "unet_monai_train_96_b1": train(monai_unet, (96, 96, 96), 1, kind),
        "unet_nnunet_train_40x56x40_b2": train(nnunet_unet, (40, 56, 40), 2, kind),
    }
    for case, milliseconds in results.items():
        print(f"{case}\ttorch {torch.__version__} {kind}\t{milliseconds:.2f}", flush=True)
