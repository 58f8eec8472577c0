"""The data category of a file by its extension, for recorders that do not say more."""

from retentiond.domain.recording import Category

VIDEO = (
    *(b"mp4", b"mkv", b"avi", b"mov", b"ts", b"webm", b"flv", b"mpg", b"mpeg", b"m4v", b"mjpeg", b"swf", b"ogg"),
    b"3gp",
)
AUDIO = (b"wav", b"mp3", b"aac", b"m4a", b"flac", b"opus")
STILL = (b"jpg", b"jpeg", b"png", b"webp", b"ppm", b"bmp", b"gif")

_BY_EXTENSION = {
    **dict.fromkeys(VIDEO, Category.VIDEO),
    **dict.fromkeys(AUDIO, Category.AUDIO),
    **dict.fromkeys(STILL, Category.STILL),
}


def category_of(name: bytes) -> Category:
    """Return the category of a file that a layout recognised; what is no known medium is derived."""
    return _BY_EXTENSION.get(name.rpartition(b".")[2].lower(), Category.DERIVED)
