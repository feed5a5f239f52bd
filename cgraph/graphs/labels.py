"""How a kernel is labelled: with its attributes, by its operation, or by its family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cgraph.graphs.computational import Kernel
from cgraph.registry import Table


@dataclass(frozen=True, slots=True)
class Family:
    """A kind of operations.

    Parameters
    ----------
    name : str
        What it is called.
    edit_cost : float
        What the heuristic cost model takes to insert or delete one of its operations; see
        `cgraph.distances.edit.rules`.
    summary : str
        What its operations do, in a line.
    operations : frozenset of str
        PyTorch's operators that belong to it, by base name.
    prefixes : tuple of str, default=()
        An operator that is in no list belongs to the family of the longest prefix it has.
    """

    name: str
    edit_cost: float
    summary: str
    operations: frozenset[str]
    prefixes: tuple[str, ...] = ()


def _family(
    name: str, edit_cost: float, summary: str, operations: str, prefixes: str = ""
) -> Family:
    words = frozenset(operations.split()), tuple(prefixes.split())
    return Family(name, edit_cost, summary, *words)


# The vocabulary. A new operator belongs into one list; one that is in none and has no known
# prefix is of the family "other".
OPERATION_FAMILIES: Table[Family] = Table(
    "family",
    [
        _family(
            "convolution",
            5,
            "slide learned windows over positions",
            "conv1d conv2d conv3d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d "
            "convolution convolution_overrideable conv_depthwise2d conv_depthwise3d",
            "conv mkldnn_convolution cudnn_convolution miopen_convolution slow_conv deform_conv "
            "causal_conv",
        ),
        _family(
            "pooling",
            4,
            "summarise windows of positions",
            "avg_pool1d avg_pool2d avg_pool3d max_pool1d max_pool2d max_pool3d lp_pool1d lp_pool2d "
            "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d adaptive_max_pool1d "
            "adaptive_max_pool2d adaptive_max_pool3d fractional_max_pool2d fractional_max_pool3d "
            "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices "
            "max_unpool2d max_unpool3d max_roi_pool",
            "avg_pool max_pool lp_pool max_unpool adaptive_avg_pool adaptive_max_pool "
            "mkldnn_max_pool "
            "quantized_max_pool",
        ),
        _family(
            "normalisation",
            2,
            "shift and scale by statistics of the values",
            "batch_norm layer_norm group_norm instance_norm rms_norm local_response_norm "
            "native_batch_norm native_layer_norm native_group_norm fused_rms_norm "
            "native_batch_norm_legit native_batch_norm_legit_no_training weight_norm renorm "
            "weight_norm_interface lp_normalization mean_variance_normalization",
            "batch_norm native_batch_norm cudnn_batch_norm",
        ),
        _family(
            "activation",
            2,
            "a nonlinear function of each value, or softmax over some",
            "relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu mish softplus softsign "
            "tanhshrink softshrink hardshrink threshold glu sigmoid log_sigmoid tanh hardtanh "
            "hardsigmoid hardswish softmax log_softmax softmin safe_softmax masked_softmax "
            "gumbel_softmax special_expit special_softmax special_log_softmax prelu_kernel "
            "hardmax swi_glu",
            "rrelu sparse_softmax sparse_log_softmax",
        ),
        _family(
            "element-wise",
            2,
            "arithmetic, comparison and logic on each value",
            "add sub rsub mul div neg pow exp exp2 expm1 sqrt rsqrt square reciprocal abs sign sgn "
            "log log2 log10 log1p logaddexp logaddexp2 logit sin cos tan sinh cosh asin acos atan "
            "asinh acosh atanh atan2 erf erfc erfinv floor ceil round trunc frac clamp clamp_min "
            "clamp_max clip maximum minimum fmax fmin remainder fmod floor_divide true_divide lerp "
            "addcmul addcdiv where eq ne lt le gt ge isnan isinf isfinite isclose bitwise_and "
            "bitwise_or bitwise_xor bitwise_not bitwise_left_shift bitwise_right_shift lshift "
            "rshift logical_and logical_or logical_xor logical_not nan_to_num xlogy lgamma digamma "
            "i0 sinc heaviside hypot copysign masked_fill complex polar real imag angle conj "
            "conj_physical resolve_conj resolve_neg float_power ldexp gcd lcm positive isin "
            "multiply divide subtract absolute negative deg2rad rad2deg mvlgamma signbit greater "
            "greater_equal less less_equal not_equal arcsin arccos arctan arctan2 arcsinh arccosh "
            "arctanh add_relu fix polygamma igamma igammac nextafter isneginf isposinf isreal iand "
            "ior ixor ilshift irshift frexp chalf element_mean",
            "special_ foreach_ bitwise_ logical_ cast_",
        ),
        _family(
            "linear",
            6,
            "products of matrices and vectors",
            "linear matmul mm bmm mv dot vdot addmm addbmm addmv addr baddbmm einsum bilinear "
            "inner outer tensordot chain_matmul kron cdist grouped_mm scaled_mm int_mm ger "
            "sparse_mm linear_dynamic linalg_multi_dot linalg_matmul linalg_matrix_power "
            "linalg_vecdot trilinear pdist euclidean_dist smm hspmm matrix_power "
            "mixed_dtypes_linear compute_linear_combination",
            "addmm linear grouped_mm mkldnn_linear sparse_addmm weight_int scaled_mm "
            "scaled_grouped_mm fbgemm_linear sparse_semi_structured cslt_sparse_mm sparse_sparse "
            "sparse_sampled sparse_mm dyn_quant_matmul wrapped_quantized_linear",
        ),
        _family(
            "attention",
            7,
            "mix positions by the similarity of queries and keys",
            "scaled_dot_product_attention multihead_attention native_multi_head_attention "
            "multi_head_attention transformer_encoder_layer_fwd flex_attention rotary_embedding",
            "scaled_dot_product flash_attention efficient_attention cudnn_attention",
        ),
        _family(
            "recurrent",
            7,
            "carry a state along a sequence",
            "lstm gru rnn rnn_tanh rnn_relu lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell",
            "lstm gru rnn mkldnn_rnn cudnn_rnn thnn_fused quantized_lstm quantized_gru "
            "quantized_rnn",
        ),
        _family(
            "embedding",
            5,
            "look up rows of a table",
            "embedding embedding_bag one_hot",
            "embedding",
        ),
        _family(
            "indexing",
            2,
            "choose, sort or scatter values by position",
            "index index_select index_add index_copy index_fill index_put index_reduce gather "
            "scatter scatter_add scatter_reduce masked_select masked_scatter take take_along_dim "
            "put sort argsort topk kthvalue searchsorted bucketize unique unique2 nonzero argwhere "
            "unique_consecutive segment_reduce select_scatter slice_scatter diagonal_scatter "
            "as_strided_scatter histc bincount msort nms roi_align masked_scale sparse_mask "
            "tensor_scatter",
            "index unsafe_index unsafe_masked_index scatter unique histogram nonzero",
        ),
        _family(
            "movement",
            1,
            "rearrange values, or look at them otherwise",
            "view view_as reshape reshape_as flatten unflatten ravel permute transpose t numpy_T "
            "swapaxes swapdims movedim moveaxis adjoint cat concat concatenate stack hstack vstack "
            "dstack column_stack row_stack contiguous clone unsqueeze squeeze expand expand_as "
            "broadcast_to broadcast_tensors slice select narrow chunk split split_with_sizes "
            "tensor_split hsplit vsplit dsplit unbind unsafe_chunk unsafe_split "
            "unsafe_split_with_sizes pad constant_pad_nd reflection_pad1d reflection_pad2d "
            "reflection_pad3d replication_pad1d replication_pad2d replication_pad3d repeat "
            "repeat_interleave tile roll flip fliplr flipud rot90 unfold fold im2col col2im "
            "as_strided pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle "
            "diagonal diag diag_embed diagflat tril triu block_diag meshgrid cartesian_prod "
            "combinations view_as_real view_as_complex to copy type_as atleast_1d atleast_2d "
            "atleast_3d fft_fftshift fft_ifftshift set resize pack_padded_sequence "
            "pad_packed_sequence to_dense to_sparse to_mkldnn shift coalesce coalesced values "
            "indices neg_view chunk_cat flatten_dense_tensors unflatten_dense_tensors "
            "to_padded_tensor resize_as sparse_broadcast_to mkldnn_reshape mkldnn_transpose "
            "pin_memory shape size bit_cast center_crop_pad concat_from_sequence",
            "view reshape split pad sequence_ optional reflection_pad replication_pad to_sparse "
            "nested",
        ),
        _family(
            "reduction",
            3,
            "summarise values along dimensions",
            "mean sum prod max min amax amin aminmax argmax argmin any all norm std var std_mean "
            "var_mean median nanmean nansum nanmedian mode quantile nanquantile logsumexp cumsum "
            "cumprod cummax cummin logcumsumexp count_nonzero trace dist cosine_similarity "
            "pairwise_distance linalg_norm linalg_vector_norm linalg_matrix_norm frobenius_norm "
            "sum_to_size cov corrcoef trapezoid diff is_all_true is_any_true allclose equal "
            "log_sum sum_square cumulative_trapezoid trapz nuclear_norm native_norm "
            "norm_except_dim gradient",
            "sparse_sum",
        ),
        _family(
            "resampling",
            3,
            "interpolate between positions",
            "interpolate grid_sampler grid_sampler_2d grid_sampler_3d affine_grid_generator",
            "upsample grid_sampler",
        ),
        _family(
            "spectral",
            4,
            "Fourier transforms and windows",
            "stft istft hann_window hamming_window bartlett_window blackman_window kaiser_window",
            "fft_",
        ),
        _family(
            "linear algebra",
            6,
            "solve, factorise, invert",
            "cholesky cholesky_solve cholesky_inverse inverse pinverse det logdet slogdet svd qr "
            "lu_solve lu_unpack triangular_solve matrix_exp ormqr geqrf cross",
            "linalg_ lu_ cholesky",
        ),
        _family(
            "loss",
            3,
            "compare predictions with targets",
            "cross_entropy_loss nll_loss nll_loss_nd nll_loss2d mse_loss l1_loss smooth_l1_loss "
            "huber_loss kl_div binary_cross_entropy binary_cross_entropy_with_logits ctc_loss "
            "cosine_embedding_loss hinge_embedding_loss margin_ranking_loss multi_margin_loss "
            "multilabel_margin_loss poisson_nll_loss soft_margin_loss triplet_margin_loss",
            "nll_loss",
        ),
        _family(
            "quantisation",
            2,
            "between numbers and their quantised form",
            "quantize_per_tensor quantize_per_channel quantize_per_tensor_dynamic dequantize "
            "int_repr q_scale q_zero_point choose_qparams_per_tensor",
            "fake_quantize quantize_ fused_moving_avg_obs",
        ),
        _family(
            "creation",
            1,
            "make values from nothing",
            "zeros zeros_like new_zeros ones ones_like new_ones full full_like new_full empty "
            "empty_like new_empty empty_strided new_empty_strided arange range linspace logspace "
            "constant mel_weight_matrix efficientzerotensor eye scalar_tensor tril_indices "
            "triu_indices vander zero fill "
            "fill_diagonal",
            "new_ empty sparse_coo_tensor sparse_csr_tensor sparse_csc_tensor sparse_bsr_tensor "
            "sparse_bsc_tensor sparse_compressed_tensor",
        ),
        _family(
            "random",
            2,
            "draw values",
            "rand rand_like randn randn_like randint randint_like randperm normal uniform "
            "bernoulli multinomial poisson exponential geometric cauchy log_normal random binomial "
            "standard_gamma sample_dirichlet",
            "rand philox",
        ),
        _family(
            "control flow",
            7,
            "run parts of a program again, or one of several",
            "cond while_loop scan associative_scan map_impl invoke_subgraph",
        ),
        _family(
            "identity",
            2,
            "give back what came",
            "identity dropout alpha_dropout feature_dropout feature_alpha_dropout native_dropout "
            "alias detach lift lift_fresh",
        ),
    ],
)

OTHER = "other"

# Family of each operation in the lists.
FAMILIES: dict[str, str] = {
    operation: family.name
    for family in OPERATION_FAMILIES.values()
    for operation in family.operations
}

# The same operation, in another convention of calling it.
_SUFFIXES = ("_copy", "_forward", "_functional")

_PREFIXES: list[tuple[str, str]] = sorted(
    ((p, f.name) for f in OPERATION_FAMILIES.values() for p in f.prefixes),
    key=lambda pair: -len(pair[0]),
)


def family_of(operation: str) -> str:
    """Family of an operation; "other" for one that is not in the vocabulary.

    Parameters
    ----------
    operation : str
        Base name of an operator of PyTorch.

    Examples
    --------
    >>> family_of("conv2d"), family_of("upsample_bicubic2d_aa"), family_of("my_operator")
    ('convolution', 'resampling', 'other')
    """
    if operation in FAMILIES:
        return FAMILIES[operation]
    for suffix in _SUFFIXES:
        if operation.endswith(suffix):
            return family_of(operation.removesuffix(suffix))
    return next((family for prefix, family in _PREFIXES if operation.startswith(prefix)), OTHER)


@dataclass(frozen=True, slots=True)
class Labelling:
    """A way to label kernels.

    Parameters
    ----------
    name : str
        What it is called.
    function : callable
        From a `Kernel` to its label.
    summary : str
        What the label says, in a line.
    adds_sizes : bool, default=False
        Whether the sizes of the kernel's tensors follow; see `cgraph.graphs.tensors`.
    """

    name: str
    function: Callable[[Kernel], str]
    summary: str
    adds_sizes: bool = False


def label_with_attributes(kernel: Kernel) -> str:
    """Operation with the attributes that matter: "conv2d[3x3,s2]", "conv2d[dw5x5]".

    A window is given for every kernel that has one, square or not; stride ("s"), dilation ("d")
    and groups ("g", or "dw" before the window where each channel is a group of its own) only
    where they are not 1. An activation that was fused stands behind: "conv2d[3x3]+relu".

    Examples
    --------
    >>> from cgraph.graphs.computational import Attributes
    >>> label_with_attributes(Kernel("a", "conv2d", Attributes(kernel_size=(3, 3), stride=(2, 2))))
    'conv2d[3x3,s2]'
    """
    attributes = kernel.attributes
    window = attributes.get("kernel_size")
    parts = []
    if isinstance(window, tuple):
        depthwise = "dw" if attributes.get("depthwise") else ""
        parts.append(depthwise + "x".join(map(str, window)))
        for letter, name in (("s", "stride"), ("d", "dilation")):
            value = attributes.get(name)
            if isinstance(value, tuple) and any(v != 1 for v in value):
                sizes = value[:1] if len(set(value)) == 1 else value
                parts.append(letter + "x".join(map(str, sizes)))
        groups = attributes.get("groups", 1)
        if groups != 1 and not depthwise:
            parts.append(f"g{groups}")
    label = f"{kernel.operation}[{','.join(parts)}]" if parts else kernel.operation
    activation = attributes.get("activation")
    return f"{label}+{activation}" if activation else label


def label_with_operation(kernel: Kernel) -> str:
    """Operation alone: "conv2d"."""
    return kernel.operation


def label_with_family(kernel: Kernel) -> str:
    """Family of the operation: "convolution"; "other" for an operation without one."""
    return family_of(kernel.operation)


LABELLINGS: Table[Labelling] = Table(
    "label",
    [
        Labelling("attributes", label_with_attributes, "operation and the attributes that matter"),
        Labelling("operation", label_with_operation, "operation alone"),
        Labelling("family", label_with_family, "family of the operation"),
        Labelling(
            "sized",
            label_with_attributes,
            "operation, the attributes that matter, and the sizes of its tensors",
            adds_sizes=True,
        ),
    ],
)
