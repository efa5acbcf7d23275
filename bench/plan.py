"""Which works are measured, and on how much content."""

from __future__ import annotations

from bench.beside import (
    ManifestAlone,
    ManifestBesideReaders,
    ManifestBesideUpload,
)
from bench.collection import (
    CollectBesidePush,
    CollectHalf,
    GarbageStock,
    PushBesideGarbage,
)
from bench.images import FreshBlob
from bench.lists import (
    CatalogPage,
    GitLabRepositories,
    GitLabTagDetail,
    GitLabTagDetails,
    GitLabTagList,
    TagPage,
    TagStock,
    WholeTagList,
)
from bench.pulls import (
    BlobGet,
    BlobStock,
    ImagePull,
    ImageStock,
    ManifestGet,
    ManifestHead,
    SmallBlobGet,
)
from bench.pushes import BlobPut, ImagePush, UploadForm
from bench.works import MB, TAG, Scale, Work


def quick_scale(namespace: str) -> Scale:
    """Size the content of a run of five minutes."""
    return Scale(
        namespace,
        small_blobs=1000,
        catalog=500,
        images_per_client=6,
        garbage=100_000,
        collected=1000,
    )


def full_scale(namespace: str) -> Scale:
    """Size the content of a run of half an hour."""
    return Scale(
        namespace,
        small_blobs=10_000,
        catalog=10_000,
        images_per_client=12,
        garbage=1_000_000,
        collected=10_000,
    )


def all_works(scale: Scale, *, quick: bool) -> list[Work]:
    """Make the list of works; a quick run leaves out the long ones."""
    works = [*_pulls(scale), *_pushes(scale), *_lists(scale), *_collection(scale)]
    return [work for work in works if not (quick and work.is_long)]


def _pulls(scale: Scale) -> list[Work]:
    image, large = ImageStock(scale), BlobStock(scale)
    return [
        ManifestGet("by tag", scale, image, TAG),
        ManifestGet("by digest", scale, image, image.image.digest),
        ManifestHead(scale, image),
        ImagePull(scale, image, 8),
        ImagePull(scale, image, 32).long(),
        BlobGet(scale, large, 1),
        BlobGet(scale, large, 16).long(),
        SmallBlobGet(scale),
        ManifestAlone(scale, image),
        ManifestBesideReaders(scale, image, large),
        ManifestBesideUpload(scale, image).long(),
    ]


def _lists(scale: Scale) -> list[Work]:
    tags = TagStock(scale, 10_000)
    others = [TagStock(scale, count) for count in (100, 50_000, 1_000_000)]
    pages = [
        TagPage(scale, stock, middle=middle)
        for stock in (tags, *others)
        for middle in (False, True)
    ]
    return [
        *(page.long() if page.stock in others else page for page in pages),
        WholeTagList(scale, tags).long(),
        GitLabTagList(scale, tags),
        GitLabTagDetail(scale, tags),
        GitLabTagDetails(scale, tags),
        GitLabRepositories(scale),
        CatalogPage(scale, middle=False),
        CatalogPage(scale, middle=True).long(),
    ]


def _pushes(scale: Scale) -> list[Work]:
    blob, huge = FreshBlob(100 * MB), FreshBlob(1000 * MB)
    return [
        ImagePush(scale, 8),
        *(BlobPut(scale, form, blob, uploads=2) for form in UploadForm),
        *(BlobPut(scale, form, huge, uploads=1).long() for form in UploadForm),
    ]


def _collection(scale: Scale) -> list[Work]:
    garbage = GarbageStock(scale)
    return [
        CollectHalf(scale),
        PushBesideGarbage(scale, garbage),
        CollectBesidePush(scale, garbage),
    ]
