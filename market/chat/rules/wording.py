"""The preset phrases, by code. Codes are stored and never reused; phrases may be polished."""

from __future__ import annotations

PRESETS: dict[str, str] = {
    "still_available": "您好，请问还在吗？",
    "when_free": "请问什么时间方便？",
    "where_to_meet": "请问在哪里交接？",
    "on_my_way": "我出发了，马上到。",
    "arrived": "我已经到了。",
    "running_late": "不好意思，我会晚到一会儿。",
    "please_wait": "请稍等片刻。",
    "ok": "好的，没问题。",
    "no": "抱歉，这次不方便。",
    "returned": "物品已归还，请查收。",
    "please_confirm": "麻烦确认一下，谢谢！",
    "thanks": "谢谢，合作愉快！",
}
