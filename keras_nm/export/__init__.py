"""SavedModels with named endpoints, a model card and requests to warm up with."""

from keras_nm.export.saved_model import export

__all__ = ["export"]
