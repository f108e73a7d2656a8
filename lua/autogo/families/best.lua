--- The best architectures of the five families, from which the published searches start.
--
--     for _, best in ipairs(require "autogo.families.best") do
--       local graph = best.build()
--     end
--
-- A list of { family, model = what `ag.load` takes, options = its options, build() -> Graph }.
-- Source: families.md sections 4.5, 5.5, 6.5, 7.5, 8.5.
-- @module autogo.families.best

local families = require "autogo.families"

local best = {
  {
    family = "nb101",
    model = "nb101:110001010100010100101:"
      .. "conv3x3-bn-relu,conv3x3-bn-relu,maxpool3x3,conv3x3-bn-relu,conv3x3-bn-relu",
  },
  {
    family = "nb201",
    model = "nb201:|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
      .. "+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|",
    options = { skip = "identity" },
  },
  { family = "hiaml", model = "hiaml:src1,src1,r30,src3" },
  {
    family = "inception",
    model = "inception:6xdepthwise5x5:16:16+inception_s3x3:16:16+depthwise5x5,conv5x5:16:16"
      .. "|2xconv5x5,double1x1:128:64|5xconv3x3:128:128"
      .. "|3xinception_s5x5:64:64+conv5x5,inception_p5x5,conv1x1,conv3x3,inception_s3x3,conv5x5,"
      .. "inception_s3x3,depthwise5x5,inception_p3x3,inception_s5x5,depthwise5x5:32:64"
      .. "+inception_p3x3,inception_s3x3:32:64+inception_s3x3:64:64",
  },
  {
    family = "two_path",
    model = "two_path:conv5x5/2+conv5x5/2|double3x3,bottleneck-e2-k3+conv1x1,bottleneck-r2-k3/2"
      .. "+bottleneck-e2-k3,bottleneck-r2-k3,bottleneck-e2-k1+bottleneck-r2-k3/2",
  },
}

for _, entry in ipairs(best) do
  entry.build = function()
    return assert(families.load(entry.model, entry.options))
  end
end

return best
