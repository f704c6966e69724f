# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""The part of Caffe's file format that SqueezeNets use, as message classes of the package protobuf.

Only the fields that the importer reads are listed; protobuf skips the others. Enumerations are declared as numbers.
"""

from functools import cache
from typing import Any

_FIELDS = {
    "Shape": {"dim": (1, "int64*")},
    "Blob": {
        "num": (1, "int32"),
        "channels": (2, "int32"),
        "height": (3, "int32"),
        "width": (4, "int32"),
        "data": (5, "float*"),
        "shape": (7, "Shape"),
        "double_data": (8, "double*"),
    },
    "BatchNorm": {"eps": (3, "float")},
    "Transformation": {
        "scale": (1, "float"),
        "crop_size": (3, "int32"),
        "mean_file": (4, "string"),
        "mean_value": (5, "float*"),
        "force_color": (6, "bool"),
        "force_gray": (7, "bool"),
    },
    "Concat": {"concat_dim": (1, "int32"), "axis": (2, "int32")},
    "Convolution": {
        "pad": (3, "int32*"),
        "kernel_size": (4, "int32*"),
        "group": (5, "int32"),
        "stride": (6, "int32*"),
        "pad_h": (9, "int32"),
        "pad_w": (10, "int32"),
        "kernel_h": (11, "int32"),
        "kernel_w": (12, "int32"),
        "stride_h": (13, "int32"),
        "stride_w": (14, "int32"),
        "dilation": (18, "int32*"),
    },
    "Eltwise": {"operation": (1, "int32"), "coeff": (2, "float*")},
    "Input": {"shape": (1, "Shape*")},
    "Pooling": {
        "pool": (1, "int32"),
        "kernel_size": (2, "int32"),
        "stride": (3, "int32"),
        "pad": (4, "int32"),
        "kernel_h": (5, "int32"),
        "kernel_w": (6, "int32"),
        "stride_h": (7, "int32"),
        "stride_w": (8, "int32"),
        "pad_h": (9, "int32"),
        "pad_w": (10, "int32"),
        "global_pooling": (12, "bool"),
        "round_mode": (13, "int32"),
    },
    "Power": {"power": (1, "float"), "scale": (2, "float"), "shift": (3, "float")},
    "Relu": {"negative_slope": (1, "float")},
    "Scale": {"axis": (1, "int32"), "num_axes": (2, "int32"), "bias_term": (4, "bool")},
    "Layer": {
        "name": (1, "string"),
        "type": (2, "string"),
        "bottom": (3, "string*"),
        "top": (4, "string*"),
        "blobs": (7, "Blob*"),
        "transform_param": (100, "Transformation"),
        "concat_param": (104, "Concat"),
        "convolution_param": (106, "Convolution"),
        "eltwise_param": (110, "Eltwise"),
        "pooling_param": (121, "Pooling"),
        "power_param": (122, "Power"),
        "relu_param": (123, "Relu"),
        "batch_norm_param": (139, "BatchNorm"),
        "bias_param": (141, "Scale"),
        "scale_param": (142, "Scale"),
        "input_param": (143, "Input"),
    },
    "OldLayer": {"name": (4, "string")},
    "Net": {
        "name": (1, "string"),
        "layers": (2, "OldLayer*"),
        "input": (3, "string*"),
        "input_dim": (4, "int32*"),
        "input_shape": (8, "Shape*"),
        "layer": (100, "Layer*"),
    },
}
"""Number and type of each field of each message; ``*`` marks a repeated field."""


@cache
def net_class() -> Any:
    """The message class of a whole file; raises ImportError without the package protobuf."""
    from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

    proto_types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="firebrick_caffe.proto", package="firebrick.caffe", syntax="proto2")
    for name, fields in _FIELDS.items():
        message = file.message_type.add(name=name)
        for field, (number, field_type) in fields.items():
            label = proto_types.LABEL_REPEATED if field_type.endswith("*") else proto_types.LABEL_OPTIONAL
            entry = message.field.add(name=field, number=number, label=label)
            base_type = field_type.removesuffix("*")
            if base_type in _FIELDS:
                entry.type, entry.type_name = proto_types.TYPE_MESSAGE, f".firebrick.caffe.{base_type}"
            else:
                entry.type = getattr(proto_types, f"TYPE_{base_type.upper()}")
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("firebrick.caffe.Net"))
