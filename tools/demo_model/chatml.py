"""ChatML: the one place that says how a conversation becomes text."""

from __future__ import annotations

from bpe import IM_END, IM_START

# The same layout as a Jinja template, for the model file's metadata.
TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def render(messages: list[dict[str, str]], generation_prompt: bool = True) -> str:
    """The prompt text, exactly as TEMPLATE gives it."""
    text = "".join(f"{IM_START}{m['role']}\n{m['content']}{IM_END}\n" for m in messages)
    return text + f"{IM_START}assistant\n" if generation_prompt else text


def segments(messages: list[dict[str, str]]) -> list[tuple[str, bool]]:
    """(text, is_answer) pieces of a whole conversation, for the training loss.

    The answer piece holds the end marker, because the model has to learn to stop.
    """
    out: list[tuple[str, bool]] = []
    context = ""
    for message in messages:
        if message["role"] != "assistant":
            context += f"{IM_START}{message['role']}\n{message['content']}{IM_END}\n"
            continue
        out.append((context + f"{IM_START}assistant\n", False))
        out.append((message["content"] + IM_END, True))
        context = "\n"
    return out
