# SPDX-License-Identifier: GPL-2.0-only
# also: preload
# limit: 90
# git: init, add, commit, log, branch, merge, clone, gc, fsck, stash.
set -eu
export GIT_AUTHOR_DATE='2001-02-03T04:05:06Z' GIT_COMMITTER_DATE='2001-02-03T04:05:06Z' GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=A GIT_COMMITTER_EMAIL=a@b
export GIT_CONFIG_NOSYSTEM=1 HOME=/tmp
git config --global init.defaultBranch main; git config --global gc.auto 0; git config --global advice.detachedHead false; git config --global safe.directory '*'
git init -q r; cd r
for i in $(seq 1 40); do mkdir -p "d$((i % 5))"; seq "$i" >"d$((i % 5))/f$i"; done
git add .; git commit -qm first; git status --short; git log --oneline
echo change >>d1/f1; git diff --stat; git commit -qam second; git rev-parse HEAD HEAD^{tree}
git checkout -qb topic HEAD~1; echo topic >topic; git add topic; git commit -qm topic; git checkout -q main; git merge -q --no-edit topic; git log --graph --oneline | cat
git tag v1; git show --stat v1 | tail -n 5; git blame -s d1/f1 | tail -n 1; git grep -c 40 | head -n 3
echo dirty >d2/f2; git stash -q; git stash list; git stash pop -q; git status --short; git checkout -q .
git mv d3/f3 renamed; git rm -q d4/f4; git commit -qm moved; git log --follow --oneline renamed | wc -l
git gc -q; git fsck --full 2>&1; git count-objects -v | grep -v size; ls .git/objects/pack | sed 's/.*\.//' | sort
cd ..; git clone -q r c; cd c; git log --oneline | wc -l; git remote -v | sed 's/(.*//' | sort -u; echo x >new; git add new; git commit -qm new; git push -q origin HEAD:refs/heads/other
cd ../r; git branch -a; git archive v1 | tar t | wc -l; git worktree add -q ../w other; ls ../w | wc -l; git bisect start HEAD HEAD~2 >/dev/null; git bisect reset 2>&1 | head -n 1; git format-patch -q -1 --stdout | git mailinfo /dev/null /dev/null | grep Subject
git clone -q --bare --no-local . ../bare.git; git -C ../bare.git rev-parse main
git diff --exit-code HEAD~1 >/dev/null || echo "diff $?"; git checkout none 2>&1 || echo "checkout $?"
cd ..; rm -rf r c w bare.git
