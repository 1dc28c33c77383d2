"""A preset's published weights, from the Hugging Face hub into one folder."""

from pathlib import Path

from huggingface_hub import hf_hub_download, snapshot_download

from model.presets import PRESETS


def pull(name: str, folder: Path) -> None:
    """The model's folder, its LoRA in `lora/`, its text-to-image model in `text_to_image/`."""
    preset = PRESETS[name]
    if preset.repository is not None:
        snapshot_download(preset.repository, local_dir=folder)
    if preset.lora is not None:
        hf_hub_download(*preset.lora, local_dir=folder / "lora")
    if preset.painter is not None:
        snapshot_download(preset.painter, local_dir=folder / "text_to_image")
