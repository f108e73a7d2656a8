--- Pieces that several families and networks of the zoo are made of: convolution with batch norm and
-- activation, heads.
-- Source: families.md section 3.
-- @module autogo.families.pieces

local pieces = {}

-- Feature maxima (H, W, C) of all CIFAR-10 families (families.md 1.7).
pieces.NORMALISERS = { 256, 256, 512 }

--- Convolution -> batch norm.
-- @tparam Builder b
-- @tparam integer x operand
-- @tparam integer|table kernel
-- @tparam integer filters
-- @tparam[opt=1] integer|table stride
-- @tparam[opt=false] boolean bias
-- @treturn integer node
function pieces.conv_norm(b, x, kernel, filters, stride, bias)
  return b:batchnorm(b:conv(x, { kernel = kernel, filters = filters, stride = stride, bias = bias }))
end

--- Convolution without bias whose pads are stated: half the kernel on every side, as PyTorch's networks
-- have them.
-- @tparam Builder b
-- @tparam integer x operand
-- @tparam integer kernel
-- @tparam integer filters
-- @tparam[opt=1] integer stride
-- @treturn integer node
function pieces.padded_conv(b, x, kernel, filters, stride)
  local pad = kernel // 2
  return b:conv(x, { kernel = kernel, filters = filters, stride = stride, padding = { pad, pad, pad, pad } })
end

--- Padded convolution -> batch norm.
function pieces.padded_norm(b, x, kernel, filters, stride)
  return b:batchnorm(pieces.padded_conv(b, x, kernel, filters, stride))
end

--- Convolution -> batch norm -> relu.
function pieces.conv_relu(b, x, kernel, filters, stride, bias)
  return b:relu(pieces.conv_norm(b, x, kernel, filters, stride, bias))
end

--- Convolution -> batch norm -> relu6.
function pieces.conv_relu6(b, x, kernel, filters, stride, bias)
  return b:relu6(pieces.conv_norm(b, x, kernel, filters, stride, bias))
end

--- Separated convolution: 1xk then kx1, each with batch norm and relu6; the stride in the first.
function pieces.separated(b, x, kernel, filters, stride)
  x = pieces.conv_relu6(b, x, { 1, kernel }, filters, stride)
  return pieces.conv_relu6(b, x, { kernel, 1 }, filters)
end

--- Pooling 3x3, stride 1, then batch norm.
-- @tparam Builder b
-- @tparam integer x operand
-- @tparam string kind "maxpool" or "avgpool"
function pieces.pool_norm(b, x, kind)
  return b:batchnorm(b[kind](b, x, { kernel = 3, stride = 1 }))
end

--- Global average pool -> dense layer to the 10 classes.
function pieces.head(b, x)
  return b:matmul(b:mean(x), { units = 10, bias = true })
end

--- The same with the identity node that dropout leaves.
function pieces.dropout_head(b, x)
  return b:matmul(b:identity(b:mean(x)), { units = 10, bias = true })
end

return pieces
