"""The input image: from an upload, a URL or a data URL to a checked PNG in storage, named by its content."""

import base64
import binascii
import hashlib
import io
import threading

from PIL import ExifTags, Image, ImageOps

from app.services import Services
from worker.contract import guarded, keys
from worker.contract.errors import ImageRejected, TooLarge, Unavailable, UrlRefused
from worker.contract.settings import MIB, Settings

FORMATS = ("PNG", "JPEG", "WEBP")
MAX_SIDE = 2048
"""Pixels. Larger pictures are shrunk to it: no model here paints larger ones."""
FETCH_SECONDS = 15.0
DECODE_BYTES = 160 * MIB
"""What one picture may take while it is decoded; how many pixels that is depends on its format."""
DECODE_WAIT_SECONDS = 10.0
BAND_PIXELS = 2**20
_DECODING = threading.Lock()
"""One at a time: what is bounded for one picture is bounded for the process."""


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
        ImageRejected: no PNG, JPEG or WebP, broken, or more pixels than max_image_pixels or than its format's
            decoder may take (DECODE_BYTES).
        Unavailable: too many others are sending pictures.
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
        raise _too_many_pixels(param, settings.max_image_pixels) from error
    except Exception as error:  # Pillow's readers raise many kinds on bytes made to confuse them
        raise ImageRejected("not_an_image", f"{param}: not a PNG, JPEG or WebP image", param) from error
    max_pixels = min(settings.max_image_pixels, DECODE_BYTES // _bytes_per_pixel(image))
    if image.width * image.height > max_pixels:
        raise _too_many_pixels(param, max_pixels)
    if not _DECODING.acquire(timeout=DECODE_WAIT_SECONDS):
        raise Unavailable("busy", "other pictures are being decoded; try again in a moment")
    try:
        return _upright_png(image)
    except Exception as error:  # the same, for the data behind the header
        raise ImageRejected("broken_image", f"{param}: the image cannot be decoded", param) from error
    finally:
        image.close()
        _DECODING.release()


def _bytes_per_pixel(image: Image.Image) -> int:
    """What decoding takes beside the file, measured: a progressive JPEG's coefficients, WebP's canvases."""
    if image.format == "WEBP":
        return 13
    if image.info.get("progressive"):
        return 12 if image.mode == "CMYK" else 10
    return 4


def _upright_png(image: Image.Image) -> bytes:
    """In bands, and shrunk before anything makes a copy: of a large picture there is one in memory."""
    longest = max(image.size)
    if longest > MAX_SIDE:  # a JPEG can be decoded smaller
        width, height = (max(1, side * MAX_SIDE // longest) for side in image.size)
        image.draft(None, (width, height))
    image.load()
    factor = max(1, max(image.size) // MAX_SIDE)
    small = Image.new("RGB", (-(-image.width // factor), -(-image.height // factor)))
    step = factor * max(1, BAND_PIXELS // (image.width * factor))
    for top in range(0, image.height, step):
        band = _rgb(image.crop((0, top, image.width, min(top + step, image.height))))
        small.paste(band.reduce(factor), (0, top // factor))
    small.thumbnail((MAX_SIDE, MAX_SIDE))
    small.getexif()[ExifTags.Base.Orientation] = image.getexif().get(ExifTags.Base.Orientation, 1)
    upright = ImageOps.exif_transpose(small)
    # Place, camera and profiles ride in here; none of it is ours to keep.
    upright.info.clear()
    buffer = io.BytesIO()
    upright.save(buffer, "PNG", compress_level=1, exif=b"")
    return buffer.getvalue()


def _rgb(image: Image.Image) -> Image.Image:
    """Over white, where it lets something through."""
    if image.mode.startswith("I"):  # 16 bits a channel, which convert() would cut off at 255
        image = image.point(lambda value: value / 256).convert("L")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    return image.convert("RGB")


def _too_many_pixels(param: str, max_pixels: int) -> ImageRejected:
    message = f"{param}: more than {max_pixels} pixels"
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
