--- Python functions that generated PyTorch sources bring along, those that they use.
-- @module autogo.formats.pytorch_helpers

local helpers = {}

helpers.average_inside = [[
def average_inside(x, kernel, stride, pads):
    """The average over those cells of each window that lie inside the image."""
    inside = F.pad(torch.ones_like(x[:1, :1]), pads)
    return F.avg_pool2d(F.pad(x, pads), kernel, stride) / F.avg_pool2d(inside, kernel, stride)
]]

helpers.depth_to_space = [[
def depth_to_space(x, block):
    """Channels into blocks of pixels; the place in the block varies slowest among the channels."""
    n, c, h, w = x.shape
    x = x.reshape(n, block[0], block[1], -1, h, w)
    return x.permute(0, 3, 4, 1, 5, 2).reshape(n, -1, h * block[0], w * block[1])
]]

helpers.space_to_depth = [[
def space_to_depth(x, block):
    """Blocks of pixels into channels; the place in the block varies slowest among the channels."""
    n, c, h, w = x.shape
    x = x.reshape(n, c, h // block[0], block[0], w // block[1], block[1])
    return x.permute(0, 3, 5, 1, 2, 4).reshape(n, -1, h // block[0], w // block[1])
]]

helpers.channel_shuffle = [[
def channel_shuffle(x, groups):
    """Channel i of each group after channel i of the group before."""
    n, c, h, w = x.shape
    return x.reshape(n, groups, c // groups, h, w).transpose(1, 2).reshape(n, c, h, w)
]]

helpers.read_safetensors = [==[
def read_safetensors(path):
    """The tensors of a safetensors file by name: a JSON header, then their bytes."""
    types = {
        "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "I64": torch.int64,
        "I32": torch.int32, "I8": torch.int8, "U8": torch.uint8, "BOOL": torch.bool,
    }
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = torch.frombuffer(data, dtype=torch.uint8, count=end - begin, offset=begin)
            tensors[name] = values.clone().view(types[entry["dtype"]]).reshape(entry["shape"])
    return tensors
]==]

return helpers
