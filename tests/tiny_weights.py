"""Small random weights in each library's own format, set up so that something is found with them.

They make the code of the real libraries run as with the published weights; what they find means nothing.
"""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

SEGFORMER_LABELS = [
    "background", "hat", "hair", "glove", "glasses", "upper_only_torso_region", "dresses_only_torso_region",
    "coat_only_torso_region", "socks", "left_pants", "right_patns", "skin_around_neck_region", "scarf", "skirts", "face",
    "left_arm", "right_arm", "left_leg", "right_leg", "left_shoe", "right_shoe", "left_sleeve_for_upper",
    "right_sleeve_for_upper", "bag",
]  # fmt: skip


def save_all(folder: Path) -> None:
    """Every small checkpoint of transformers and rembg, where `vton.weights` looks for it in `folder`."""
    save_segformer(folder / "segformer-b2-human-parse-24")
    save_vitpose(folder / "vitpose-base-simple")
    save_rt_detr(folder / "rtdetr_r50vd_coco_o365")
    save_u2net(folder / "u2net.onnx")


@torch.no_grad()
def save_segformer(folder: Path, labels: list[str] = SEGFORMER_LABELS, only: str | None = None) -> None:
    """A SegFormer with its published processor's 256x256; `only` is the label that it gives every pixel."""
    from transformers import SegformerConfig, SegformerForSemanticSegmentation, SegformerImageProcessor

    torch.manual_seed(1)
    model = SegformerForSemanticSegmentation(
        SegformerConfig(
            depths=[1] * 4, hidden_sizes=[8, 16, 24, 32], decoder_hidden_size=32, id2label=dict(enumerate(labels)),
            label2id={label: index for index, label in enumerate(labels)},
        )
    )  # fmt: skip
    model.decode_head.classifier.weight.mul_(100)
    if only:
        model.decode_head.classifier.bias[labels.index(only)] = 1e4
    model.save_pretrained(folder)
    SegformerImageProcessor(size={"height": 256, "width": 256}).save_pretrained(folder)


@torch.no_grad()
def save_vitpose(folder: Path) -> None:
    """A ViTPose that is sure of most joints."""
    from transformers import VitPoseBackboneConfig, VitPoseConfig, VitPoseForPoseEstimation, VitPoseImageProcessor

    torch.manual_seed(2)
    backbone = VitPoseBackboneConfig(
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        out_features=["stage2"],
        out_indices=[2],
        initializer_range=0.3,
    )
    model = VitPoseForPoseEstimation(VitPoseConfig(backbone_config=backbone, num_labels=17))
    model.head.conv.weight.mul_(20)
    model.head.conv.bias.fill_(0.8)
    model.save_pretrained(folder)
    VitPoseImageProcessor().save_pretrained(folder)


@torch.no_grad()
def save_rt_detr(folder: Path, people: int = 1, score: float = 0.9) -> None:
    """An RT-DETR that finds so many people in every photo, all with `score`."""
    from transformers import RTDetrConfig, RTDetrForObjectDetection, RTDetrImageProcessor, RTDetrResNetConfig

    torch.manual_seed(3)
    backbone = RTDetrResNetConfig(
        embedding_size=8,
        hidden_sizes=[8, 16, 24, 32],
        depths=[1] * 4,
        layer_type="basic",
        out_features=["stage2", "stage3", "stage4"],
    )
    model = RTDetrForObjectDetection(
        RTDetrConfig(
            backbone_config=backbone, encoder_hidden_dim=32, encoder_in_channels=[16, 24, 32], encoder_ffn_dim=32, d_model=32,
            encoder_attention_heads=4, num_queries=people, decoder_in_channels=[32] * 3, decoder_ffn_dim=32, decoder_layers=1,
            decoder_attention_heads=4, id2label={0: "person", 1: "bicycle"}, label2id={"person": 0, "bicycle": 1},
        )
    )  # fmt: skip
    for head in model.model.decoder.class_embed:
        head.weight.zero_()
        head.bias.copy_(torch.logit(torch.tensor([score, 0.01])))
    model.save_pretrained(folder)
    RTDetrImageProcessor().save_pretrained(folder)


def save_u2net(path: Path) -> None:
    """An ONNX file with u2net's inputs and outputs, that takes what is dark for the garment."""
    import onnx
    from onnx import TensorProto, helper

    def tensor(name: str, channels: int) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 320, 320])

    nodes = [helper.make_node("ReduceMean", ["input.1"], ["mean"], axes=[1], keepdims=1)]
    nodes += [helper.make_node("Neg", ["mean"], [f"{1959 + index}"]) for index in range(7)]
    outputs = [tensor(f"{1959 + index}", 1) for index in range(7)]
    graph = helper.make_graph(nodes, "u2net", [tensor("input.1", 3)], outputs)
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def tiny_rcnn(config: Any) -> Any:
    """A config of `vton.preprocess.detectron` with few channels, for checkpoints of about 1 MB."""
    config.MODEL.RESNETS.STEM_OUT_CHANNELS, config.MODEL.RESNETS.RES2_OUT_CHANNELS, config.MODEL.RESNETS.WIDTH_PER_GROUP = (
        8,
        16,
        4,
    )
    config.MODEL.FPN.OUT_CHANNELS = config.MODEL.ROI_BOX_HEAD.FC_DIM = 32
    config.INPUT.MIN_SIZE_TEST, config.INPUT.MAX_SIZE_TEST = 256, 427
    if config.MODEL.KEYPOINT_ON:
        config.MODEL.ROI_KEYPOINT_HEAD.CONV_DIMS = (32, 32)
    else:
        head = config.MODEL.ROI_DENSEPOSE_HEAD
        head.CONV_HEAD_DIM = head.DECODER_CONV_DIMS = head.DECODER_NUM_CLASSES = 32
        head.NUM_STACKED_CONVS, head.DECODER_NORM = 2, ""
    return config


@torch.no_grad()
def rcnn_state(config: Any, people: bool = True, corner: bool = False) -> dict[str, Tensor]:
    """Random weights of that config that see one person in every photo, as large as the photo; or nobody.

    `corner`: the person fills only the part above and left of the middle.
    """
    from detectron2.modeling import build_model

    torch.manual_seed(4)
    config.MODEL.DEVICE = "cpu"
    network = build_model(config)
    for name, buffer in network.named_buffers():
        if "bottom_up.res" in name and name.endswith("conv3.norm.weight"):
            buffer.zero_()  # else activations grow from block to block
    deltas = network.proposal_generator.rpn_head.anchor_deltas
    deltas.weight.zero_()
    deltas.bias.copy_(torch.tensor([0.0, 0.0, 4.0, 4.0]).repeat(len(deltas.bias) // 4))  # every anchor grows to the whole photo
    box = network.roi_heads.box_predictor
    box.cls_score.weight.zero_()
    box.cls_score.bias.copy_(torch.tensor([4.0, -4.0]) if people else torch.tensor([-4.0, 4.0]))
    box.bbox_pred.weight.zero_()
    box.bbox_pred.bias.copy_(torch.tensor([-2.5, -2.5, -3.45, -3.45]) if corner else torch.zeros(4))
    if config.MODEL.KEYPOINT_ON:
        network.roi_heads.keypoint_head.score_lowres.weight.mul_(0.7)  # heat-maps with heights like real ones
    return network.state_dict()
