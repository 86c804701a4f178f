"""SavedModels with named endpoints, a model card and warm-up requests."""

from keras_nm.export.saved_model import export

__all__ = ["export"]
