"""Audit the models of transformers, from their default configurations, without weights.

Each model runs on meta tensors: tokens, one image or one second of sound, whichever is its main
input. What is found is printed, to be read against the code of the model; a model that takes more
than its main input, or cannot be made so, is left out and named.

    python -m tests.benchmarks.verify_audit [--least-share 0.001] [--first BertModel] [--limit 100]
"""

import argparse
import time
import warnings
from collections import Counter

import torch

from cgraph.errors import CGraphError
from cgraph.tracing.record import trace

FAILURES = (ValueError, TypeError, AttributeError, ImportError, KeyError, RuntimeError)


def models():
    """Name, model and inputs of each; where it cannot be made, name and the reason."""
    import transformers
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    transformers.logging.set_verbosity_error()
    for configuration_class in sorted(MODEL_MAPPING.keys(), key=lambda c: c.__name__):
        try:
            model_class = MODEL_MAPPING[configuration_class]
            model_class = model_class[0] if isinstance(model_class, tuple) else model_class
            configuration = configuration_class()
            with torch.device("meta"):
                model = model_class(configuration).eval()
            yield model_class.__name__, model, inputs_of(model, configuration)
        except (
            ValueError,
            TypeError,
            AttributeError,
            ImportError,
            KeyError,
            RuntimeError,
        ) as error:
            yield configuration_class.__name__, None, f"{type(error).__name__}: {error}"


def inputs_of(model, configuration):
    """The main input of a model."""
    name = model.main_input_name
    if name == "input_ids":
        ids = torch.zeros(1, 64, dtype=torch.long)
        return {name: ids} | (
            {"decoder_input_ids": ids} if configuration.is_encoder_decoder else {}
        )
    if name == "pixel_values":
        size = getattr(configuration, "image_size", 224) or 224
        size = tuple(size) if isinstance(size, list | tuple) else (size, size)
        return {name: torch.zeros(1, getattr(configuration, "num_channels", 3), *size)}
    if name == "input_values":
        return {name: torch.zeros(1, 16000)}
    raise ValueError(f"its main input is {name}")


def main(least_share=0.001, first="", limit=None):
    """Print what is found in each model, and how many have no waste."""
    n_seen = n_clean = 0
    kinds = Counter()
    seconds = 0.0
    for name, model, inputs in models():
        if name < first:
            continue
        if model is None:
            print(f"{name}: left out, {inputs.splitlines()[0][:100]}")
            continue
        try:
            graph = trace(model, **inputs)
        except CGraphError as error:
            print(f"{name}: left out, {str(error).splitlines()[0][:100]}")
            continue
        start = time.perf_counter()
        waste = graph.audit(least_share=least_share).waste
        seconds += time.perf_counter() - start
        n_seen += 1
        n_clean += not waste
        kinds.update(finding.kind for finding in waste)
        print(f"{name}: {len(graph.kernels):,} kernels, {len(waste)} findings", flush=True)
        for finding in waste:
            sizes = f"{finding.bytes:,} bytes, {finding.macs:,} MACs"
            print(f"    {finding.kind}, {finding.scope or 'the model'}: {finding.text}; {sizes}")
        if n_seen == limit:
            break
    print(f"{n_seen} models, {n_clean} without waste; {dict(kinds)}; audits took {seconds:.1f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--least-share", type=float, default=0.001)
    parser.add_argument("--first", default="")
    parser.add_argument("--limit", type=int)
    warnings.filterwarnings("ignore")
    main(**vars(parser.parse_args()))
