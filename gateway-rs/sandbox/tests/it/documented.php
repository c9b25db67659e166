<?php
// The documentation's signing routine as it stands, behind what the gateway's framework does
// first: strings are trimmed, and those left empty become null. One JSON body a line in, one
// signature a line out.

function makeSign(array $param, $key)
{
    $signType = $param['sign_type'];
    $string = toUrlParams($param);
    $string = $string . "&key=".$key;
    if ($signType == "MD5")
        $string = md5($string);
    else if ($signType == "HMAC-SHA256")
        $string = hash_hmac("sha256", $string, $key);
    return $string;
}

function toUrlParams(array $values)
{
    $values = array_filter($values, function ($var) {
        return !is_null($var);
    });
    ksort($values);
    $buff = "";
    foreach ($values as $k => $v)
    {
        if($k != "sign" && $v !== "" && !is_array($v) && !is_object($v)){
            $buff .= $k . "=" . $v . "&";
        }
    }
    $buff = trim($buff, "&");
    return $buff;
}

while (($line = fgets(STDIN)) !== false) {
    $params = json_decode($line, true);
    foreach ($params as $name => $value) {
        if (is_string($value)) {
            $value = trim($value);
            $params[$name] = $value === "" ? null : $value;
        }
    }
    echo makeSign($params, $argv[1]), "\n";
}
