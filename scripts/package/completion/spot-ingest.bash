# Completion for bash of spot-collector and spot-listener, which are also called collector and
# listener. Needs nothing but bash: the package bash-completion loads it by the command's name,
# without that it is sourced. What files hold is only ever compared and quoted.
# shellcheck shell=bash

_spot_ingest() {
    local IFS=$' \t\n' current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]}
    # Bash takes --type=flow for three words.
    if [[ $current == = ]]; then
        current=
    elif [[ $before == = ]]; then
        before=${COMP_WORDS[COMP_CWORD - 2]}
    fi
    COMPREPLY=()
    case ${1##*/} in
    *collector) _spot_ingest_collector ;;
    *listener) _spot_ingest_listener ;;
    esac
}

_spot_ingest_collector() {
    case $before in
    -c | --config-file | --resend) _spot_ingest_files ;;
    -l | --log-level) _spot_ingest_levels ;;
    -t | --type) _spot_ingest_types ;;
    --topic | --backlog-since) ;;
    *)
        _spot_ingest_offer -h --help -c --config-file -l --log-level --skip-conversion --topic -t --type \
            --once --backlog --backlog-since --resend --json-logs --version
        ;;
    esac
}

_spot_ingest_listener() {
    case $before in
    -c | --config-file | -r | --redirect-spark-logs) _spot_ingest_files ;;
    -d | --deploy-mode) _spot_ingest_offer client cluster ;;
    -l | --log-level) _spot_ingest_levels ;;
    -m | --master) _spot_ingest_offer local yarn ;;
    -t | --type) _spot_ingest_types ;;
    --engine) _spot_ingest_offer embedded spark ;;
    --from) _spot_ingest_offer earliest latest ;;
    -g | --group-id | -n | --app-name | -p | --partitions | --topic | --bad-row-limit) ;;
    *)
        _spot_ingest_offer -h --help -c --config-file -d --deploy-mode -g --group-id -l --log-level -m --master \
            -n --app-name -r --redirect-spark-logs -p --partitions -t --type --topic \
            --engine --from --once --bad-row-limit --create-table --json-logs --version
        ;;
    esac
}

_spot_ingest_levels() {
    _spot_ingest_offer DEBUG INFO WARNING ERROR CRITICAL
}

# Offers those of the words that begin with what is typed.
_spot_ingest_offer() {
    local word
    for word in "$@"; do
        if [[ $word == "$current"* ]]; then
            COMPREPLY+=("$word")
        fi
    done
}

# Leaves files to bash, which knows how to quote them.
_spot_ingest_files() {
    compopt -o default
}

# Offers the types, and the pipelines of the configuration that the command line names.
_spot_ingest_types() {
    local names=(dns flow proxy) file name quoted
    _spot_ingest_config
    _spot_ingest_pipelines "$file"
    for name in "${names[@]}"; do
        case $current in
        [\'\"]*) quoted=$name ;; # bash adds the closing one
        *) printf -v quoted %q "$name" ;;
        esac
        # A word that is typed with quotes in it is not looked through.
        if [[ $name == "${current#[\'\"]}"* || $quoted == "$current"* ]] && ! _spot_ingest_offered "$quoted"; then
            COMPREPLY+=("$quoted")
        fi
    done
}

_spot_ingest_offered() {
    local i
    for ((i = 0; i < ${#COMPREPLY[@]}; i++)); do
        if [[ ${COMPREPLY[i]} == "$1" ]]; then
            return 0
        fi
    done
    return 1
}

# Sets file to the path that follows the last -c or --config-file.
_spot_ingest_config() {
    local i
    file=ingest_conf.json
    for ((i = 1; i < ${#COMP_WORDS[@]}; i++)); do
        if [[ ${COMP_WORDS[i]} != -c && ${COMP_WORDS[i]} != --config-file ]]; then
            continue
        fi
        if [[ ${COMP_WORDS[i + 1]-} == = ]]; then
            i=$((i + 1))
        fi
        if ((i + 1 != COMP_CWORD)); then
            file=${COMP_WORDS[i + 1]-}
        fi
    done
    # What a shell would make of the word, as far as plain quotes and the home folder go.
    case $file in
    \'*\' | \"*\") file=${file:1:${#file}-2} ;;
    *)
        file=${file//\\/}
        # shellcheck disable=SC2088 # the word as it was typed
        if [[ $file == '~/'* ]]; then
            file=$HOME/${file:2}
        fi
        ;;
    esac
}

# Adds the names of the file's pipelines to names. Strings lie between quotes; the rest of the
# text tells by its braces how deep they are, and by a colon that they are keys.
_spot_ingest_pipelines() {
    local LC_ALL=C parts=() part next top='' depth=0 string=false i
    # Larger files are none that somebody waits for.
    if [[ ! -f $1 || ! -r $1 ]]; then
        return
    fi
    IFS='"' read -r -d '' -n 65536 -a parts <"$1"
    for ((i = 0; i < ${#parts[@]}; i++)); do
        part=${parts[i]}
        if [[ $string == false ]]; then
            next=${part//[\[\{]/} # without what opens, and then without what closes
            depth=$((depth + ${#part} - ${#next}))
            part=${next//\]/}
            part=${part//\}/}
            depth=$((depth - ${#next} + ${#part}))
            string=true
            continue
        fi
        next=${part##*[!\\]}
        if ((${#next} % 2)); then # a quote within the string
            parts[i + 1]=$part\"${parts[i + 1]-}
            continue
        fi
        string=false
        next=${parts[i + 1]-}
        next=${next//[$' \t\r\n']/}
        if [[ $next != :* || $part == *[\\[:cntrl:]]* ]]; then
            continue
        elif ((depth == 1)); then
            top=$part
        elif ((depth == 2)) && [[ $top == pipelines ]]; then
            names+=("$part")
        fi
    done
}

complete -F _spot_ingest spot-collector collector spot-listener listener
