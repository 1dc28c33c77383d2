"""The input image: from an upload, a URL or a data URL to a checked PNG in storage, named by its content."""

import base64
import binascii
import hashlib
import io

from PIL import Image, ImageOps

from app.services import Services
from worker.contract import guarded, keys
from worker.contract.errors import ImageRejected, TooLarge, UrlRefused
from worker.contract.settings import Settings

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_SIDE = 2048
"""Pixels. Larger pictures are shrunk to it: no model here paints larger ones."""
FETCH_SECONDS = 15.0


def from_url(url: str, param: str, services: Services) -> str:
    """Storage key of the image behind an http(s) or data URL. Raises as `from_upload` does, or UrlRefused."""
    settings = services.settings
    if url[:5].lower() == "data:":
        return from_upload(_from_data_url(url, param, settings.max_image_bytes), param, services)
    try:
        data, _ = guarded.fetch(url, max_bytes=settings.max_image_bytes, timeout=FETCH_SECONDS)
    except (UrlRefused, TooLarge) as error:
        raise type(error)(error.code, f"{param}: {error.message}", param) from error
    return from_upload(data, param, services)


def from_upload(data: bytes, param: str, services: Services) -> str:
    """Storage key of an image given as bytes.

    Raises:
        TooLarge: more bytes than max_image_bytes.
        ImageRejected: no PNG, JPEG or WebP, broken, or more pixels than max_image_pixels.
    """
    png = normalize(data, param, services.settings)
    key = keys.input_image(hashlib.sha256(png).hexdigest())
    services.storage.put(key, png, "image/png")
    return key


def normalize(data: bytes, param: str, settings: Settings) -> bytes:
    """An RGB PNG, upright, without metadata. The size is read from the header before anything is decoded."""
    if len(data) > settings.max_image_bytes:
        raise TooLarge("image_too_large", f"{param}: at most {settings.max_image_bytes} bytes", param)
    try:
        image = Image.open(io.BytesIO(data), formats=FORMATS)
    except Image.DecompressionBombError as error:
        raise _too_many_pixels(param, settings) from error
    except Exception as error:  # Pillow's readers raise many kinds on bytes made to confuse them
        raise ImageRejected("not_an_image", f"{param}: not a PNG, JPEG or WebP image", param) from error
    if image.width * image.height > settings.max_image_pixels:
        raise _too_many_pixels(param, settings)
    try:
        picture = _upright_rgb(image)
    except Exception as error:  # the same, for the data behind the header
        raise ImageRejected("broken_image", f"{param}: the image cannot be decoded", param) from error
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _upright_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a channel, which convert() would cut off at 255
        image = image.point(lambda value: value / 256).convert("L")
    elif image.mode not in ("RGB", "RGBA", "L"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    # Shrunk before anything makes a copy: of a large picture there is one in memory, not three.
    image.thumbnail((MAX_SIDE, MAX_SIDE))
    image = ImageOps.exif_transpose(image)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = image.convert("RGB")
    # Place, camera and profiles ride in here; none of it is ours to keep.
    image.info.clear()
    return image


def _too_many_pixels(param: str, settings: Settings) -> ImageRejected:
    message = f"{param}: more than {settings.max_image_pixels} pixels"
    return ImageRejected("image_too_many_pixels", message, param)


def _from_data_url(url: str, param: str, max_bytes: int) -> bytes:
    head, comma, payload = url.partition(",")
    if not comma or not head.lower().endswith(";base64"):
        raise ImageRejected(
            "bad_data_url", f"{param}: a data URL looks like data:image/png;base64,...", param
        )
    if len(payload) > max_bytes * 4 // 3 + 4:
        raise TooLarge("image_too_large", f"{param}: at most {max_bytes} bytes", param)
    try:
        return base64.b64decode(payload, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ImageRejected("bad_data_url", f"{param}: the data URL's base64 is broken", param) from error
