"""Models of the transformers library, loaded from folders of this machine only."""

import os
from pathlib import Path
from typing import Any

from vton.errors import CheckpointError


def load(model: str, processor: str, folder: Path, device: str) -> tuple[Any, Any]:
    """The classes named `model` (on `device`) and `processor` of transformers, from the files in `folder`.

    CheckpointError where they do not hold every weight of that model; ImportError where transformers is missing.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"  # before its first import: the library reads it once
    try:
        import transformers
    except ImportError as error:
        raise ImportError(
            f"transformers cannot be imported ({error}): type `python -m pip install -r requirements.txt`."
        ) from error
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    try:
        network, report = getattr(transformers, model).from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
        prepare = getattr(transformers, processor).from_pretrained(folder, local_files_only=True)
    except Exception as error:  # each library below it has its own errors for a damaged file
        raise CheckpointError(
            f"{folder} does not hold a {model} that can be read ({str(error).splitlines()[0]}); remove it and fetch it again."
        ) from error
    lacking = [*report["missing_keys"], *report["mismatched_keys"]]
    if lacking:
        raise CheckpointError(f"{folder} lacks {len(lacking)} weights of a {model}, {lacking[0]} for one; fetch it again.")
    return network.to(device).eval(), prepare
