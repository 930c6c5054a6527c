"""The networks: tensors in, tensors out; they know no files and no devices."""
