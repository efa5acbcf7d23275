import pytest

from moorage.domain.object_storage import S3Location


def test_a_bucket_alone_is_a_location() -> None:
    assert S3Location.parse("s3://images") == S3Location(bucket="images")


def test_every_option_is_read() -> None:
    found = S3Location.parse(
        "s3://images/some/where/?endpoint=https%3A%2F%2Fs3.example%3A9000"
        "&region=eu-1&path_style=true&sse=aws:kms&sse_key=k&storage_class=STANDARD_IA"
    )
    assert found == S3Location(
        bucket="images",
        prefix="some/where/",
        endpoint="https://s3.example:9000",
        region="eu-1",
        path_style=True,
        sse="aws:kms",
        sse_key="k",
        storage_class="STANDARD_IA",
    )


def test_an_endpoint_need_not_be_encoded() -> None:
    found = S3Location.parse("s3://images?endpoint=http://s3.example:9000")
    assert found.endpoint == "http://s3.example:9000"


@pytest.mark.parametrize(
    "url",
    [
        "s3://",
        "s3:images",
        "s3://a",
        "s3://im ages",
        "s3://key:secret@images",
        "s3://images?endpoint=s3.example",
        "s3://images?path_style=perhaps",
        "s3://images?acl=public-read",
    ],
)
def test_other_forms_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match="a URL"):
        S3Location.parse(url)
