"""S3, and stores that speak its protocol, as a file system of `tfx.dsl.io`."""
