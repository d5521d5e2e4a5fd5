set -e
python -c 'print("a version")'
python bin/helper.py
echo '{}' | python -m json.tool
python "$@"
python -m train
python evaluate.py
