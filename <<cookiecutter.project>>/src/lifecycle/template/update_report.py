"""What an update has done, for a terminal and for a pull request."""

from lifecycle.core.model_folders import folder_of, names_here
from lifecycle.template.source import to_do_by_hand
from lifecycle.template.update_result import Update

NEXT = "make setup repro, commit the results, make gate"


def lines(update: Update) -> list[str]:
    """Return what an update has done and what is left to do, a line each."""
    user_files = update.user_files
    prompts = [f"{name} = {answer}" for name, answer in update.new_prompts.items()]
    topics = {
        "kept as you edited them": user_files.edited,
        "kept, though the template no longer has them": user_files.dropped,
        "stay deleted": update.deleted,
        "new settings": user_files.added,
        "new settings, to be added by hand if you need another value": user_files.not_added,
        "settings no longer used": user_files.unused,
        'new prompts (others: SET="name=answer")': prompts,
        "to do by hand": to_do_by_hand(update.changes),
    }
    text = [f"template {update.before.name} -> {update.after.name}, {update.files} files differ"]
    for topic, entries in topics.items():
        if entries:
            text += [f"{topic}:", *(f"  {entry.removeprefix('- ')}" for entry in entries)]
    if further := ", ".join(str(folder_of(name)) for name in names_here()):
        text.append(f"{further}: `model pipeline` brings dvc.yaml up to date; the settings there stay as they are")
    if update.lock_failure:
        text.append(f"requirements.txt is not resolved for your pyproject.toml ({update.lock_failure}): make lock")
    if update.unanswered:
        text.append(f"to answer: {update.unanswered}")
    return text + (_conflicts(update) if update.conflicts else [f"committed on branch {update.branch}; next: {NEXT}"])


def markdown(update: Update) -> str:
    """Return the text of a pull request: the same lines, and the changelog."""
    changes = f"\n{update.changes}" if update.changes else ""
    return "```\n" + "\n".join(lines(update)) + f"\n```\n{changes}"


def _conflicts(update: Update) -> list[str]:
    width = max(map(len, update.conflicts))
    return [
        f"conflicts on branch {update.branch}:",
        *(f"  {path:<{width}}  {reason}" for path, reason in update.conflicts.items()),
        "edit them, `git add` them (or `git rm`), then `git cherry-pick --continue`; to give up: make template-update ABORT=1",
        f"after that: {NEXT}",
    ]
