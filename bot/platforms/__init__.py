"""The platforms: one file each behind the interface of `base`, with the grammar they share beside them."""
