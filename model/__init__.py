"""The engine: from a picture and a prompt to frames. Knows no job and no network."""

import logging

# Where torchao is installed, every import of diffusers tells which of its CUDA kernels can't be loaded here
# and which of its older tensors are gone. None of them is used.
for _name in ("torchao", "torch.utils._pytree", "diffusers.quantizers.torchao.torchao_quantizer"):
    logging.getLogger(_name).setLevel(logging.ERROR)
