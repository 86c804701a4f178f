"""A web page in which exported models run in the browser."""

from keras_nm.page.builder import write_page

__all__ = ["write_page"]
