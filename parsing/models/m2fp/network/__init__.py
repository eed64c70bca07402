"""The M2FP network in plain PyTorch: pictures in, class and mask logits out. It knows nothing of files, photos or colours.

M2FP ("Deep Learning Technique for Human Parsing: A Survey and Outlook", arXiv 2301.00394) is Mask2Former (arXiv 2112.01527)
trained on people and their parts. One idea per file, in the order in which a picture meets them: `resnet`, `pixel_decoder`
(with `deformable_attention`), `transformer_decoder`; `m2fp` puts them together, `config` holds their sizes, `layers` what they
share. Attribute names are those of the official checkpoint, so that its weights load under their own names.
"""
