"""Files that mean harm, made here: name -> bytes. None of them is a picture that the API should take."""

import io
import struct
import zlib

from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SIDE = 6000  # within max_image_pixels: what is refused here is refused by what it does to a decoder


def saved(kind: str, mode: str = "RGB", size: tuple[int, int] = (64, 64), **save: object) -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size).save(buffer, kind, **save)
    return buffer.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int = 8, height: int = 8, depth: int = 8, colour: int = 2, *, before: bytes = b"", idat: bytes
) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header) + before + chunk(b"IDAT", idat) + chunk(b"IEND", b"")


def webp(width: int, height: int) -> bytes:
    """A lossless picture of one colour with other dimensions written in; its first 14 bits are the width."""
    made = bytearray(saved("WEBP", size=(64, 64), lossless=True))
    at = made.index(b"VP8L") + 9
    rest = struct.unpack("<I", made[at : at + 4])[0] & ~((1 << 28) - 1)
    made[at : at + 4] = struct.pack("<I", rest | (width - 1) | (height - 1) << 14)
    return bytes(made)


def jpeg(width: int, height: int, **save: object) -> bytes:
    """A small one that says it is larger."""
    made = bytearray(saved("JPEG", **save))
    at = made.index(b"\xff\xc2" if save.get("progressive") else b"\xff\xc0")
    made[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(made)


def tiff_loop() -> bytes:
    """Its directory names itself as the next one."""
    entry = struct.pack("<HHII", 256, 3, 1, 8)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def frames(kind: str, number: int) -> bytes:
    first, *rest = [Image.new("L", (16, 16), n % 256) for n in range(number)]
    buffer = io.BytesIO()
    first.save(buffer, kind, save_all=True, append_images=rest, duration=10)
    return buffer.getvalue()


def hostile() -> dict[str, bytes]:
    zeros = zlib.compress(bytes(8 * 25))
    large = zlib.compress(bytes(20_000_000), 9)
    good, photo = saved("PNG"), saved("JPEG")
    text = zlib.compress(b"x" * 50_000_000, 9)
    wrong = bytearray(good)
    wrong[good.index(b"IHDR") + 13] ^= 0xFF
    spoiled = bytearray(saved("PNG", size=(256, 256)))
    spoiled[spoiled.index(b"IDAT") + 8] ^= 0xFF
    webp_file = saved("WEBP", size=(128, 128), lossless=False)
    truncated_ifd = b"Exif\0\0II*\0" + struct.pack("<I", 8) + struct.pack("<H", 60000)
    return {
        "empty": b"",
        "one byte": b"\x89",
        "signature alone": SIGNATURE,
        "png bomb of 2.5 gigapixels": png(50_000, 50_000, idat=large),
        "png bomb of 160 megapixels": png(16_000, 10_000, idat=large),
        "png bomb, 1 bit": png(100_000, 100_000, 1, 0, idat=large),
        "png that says 2^31": png(2**31 - 1, 2**31 - 1, idat=zeros),
        "png of one long line": png(2**30, 1, idat=zeros),
        "png within the limit, cut off": png(SIDE, SIDE, 8, 6, idat=large),
        "png with half its size": png(16, 16, idat=zeros),
        "png of width 0": png(0, 8, idat=zeros),
        "png of height 0": png(8, 0, idat=zeros),
        "png of an unknown depth": png(8, 8, 7, 2, idat=zeros),
        "png of an unknown colour type": png(8, 8, 8, 5, idat=zeros),
        "png with a wrong CRC in its header": bytes(wrong),
        "png with damaged data": bytes(spoiled),
        "png cut in its data": good[:-30],
        "png with text that unpacks to 50 MB": png(before=chunk(b"zTXt", b"a\0\0" + text), idat=zeros),
        "png with 200 texts of 1 MB": png(
            before=chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000))) * 200, idat=zeros
        ),
        "png with iTXt that unpacks to 50 MB": png(before=chunk(b"iTXt", b"a\0\1\0\0\0" + text), idat=zeros),
        "png with a chunk that says 2 GB": SIGNATURE + struct.pack(">I", 2**31 - 1) + b"IHDR" + bytes(20),
        "png with a header of 3 bytes": SIGNATURE + chunk(b"IHDR", b"abc") + chunk(b"IEND", b""),
        "png of a palette without one": png(8, 8, 16, 3, idat=zeros),
        "png whose data is no zlib": png(idat=b"no zlib at all"),
        "jpeg that says 65500 x 65500": jpeg(65500, 65500),
        "jpeg of height 0": jpeg(64, 0),
        "jpeg of width 0": jpeg(0, 64),
        "progressive jpeg of 36 megapixels": jpeg(SIDE, SIDE, progressive=True),
        "jpeg cut in its header": photo[:100],
        "jpeg cut in its data": saved("JPEG", size=(900, 900))[:-2000],
        "jpeg of markers only": b"\xff\xd8" + b"\xff\xe1\x00\x02" * 50_000,
        "jpeg header, then a script": b"\xff\xd8\xff\xe0" + b"<?php system($_GET[0]); ?>" * 100,
        "jpeg with a broken EXIF directory and no picture": b"\xff\xd8\xff\xe1"
        + struct.pack(">H", len(truncated_ifd) + 2)
        + truncated_ifd
        + b"\xff\xd9",
        "webp of 268 megapixels": webp(16384, 16384),
        "webp of 36 megapixels": webp(SIDE, SIDE),
        "webp cut off": webp_file[:-40],
        "webp that is only RIFF": b"RIFF\xff\xff\xff\xffWEBPVP8 ",
        "gif": saved("GIF"),
        "gif of 3000 frames": frames("GIF", 3000),
        "gif of 4 gigapixels": b"GIF89a\xff\xff\xff\xff\x80\0\0" + bytes(30),
        "tiff": saved("TIFF"),
        "tiff whose directory names itself": tiff_loop(),
        "bmp that says 2^30": b"BM" + struct.pack("<IIIIii", 0, 0, 54, 40, 2**30, 2**30) + bytes(28),
        "ico": saved("ICO"),
        "tga": saved("TGA"),
        "ppm that says 99999 x 99999": b"P6 99999 99999 255\n" + bytes(100),
        "svg": b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///a"/></svg>',
        "svg of entities": b'<!DOCTYPE s [<!ENTITY a "'
        + b"a" * 1000
        + b'">]><svg>'
        + b"&a;" * 1000
        + b"</svg>",
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%id) (w) file\n",
        "pdf": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\n%%EOF",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200),
        "avif": b"\0\0\0\x18ftypavif\0\0\0\0mif1avif" + bytes(200),
        "zip, then a picture": b"PK\x03\x04" + bytes(40) + good,
        "html that opens as png": SIGNATURE + b"<html><script>alert(1)</script></html>",
        "an mvg of ImageMagick": b"push graphic-context\nfill 'url(https://127.0.0.1/)'\npop graphic-context",
        "noise": bytes((n * 7919 + n // 3) % 256 for n in range(200_000)),
        "larger than the limit": SIGNATURE + bytes(20 * 2**20),
    }
