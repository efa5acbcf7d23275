from __future__ import annotations

import pytest

from moorage.adapters.s3 import S3BlobStore
from moorage.ports.blobs import BlobStore
from moorage.testing.blobs import BlobStoreContract


class TestS3BlobStore(BlobStoreContract):
    @pytest.fixture
    def store(self, s3_store: S3BlobStore) -> BlobStore:
        return s3_store
