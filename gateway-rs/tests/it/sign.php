<?php
// The signing routine of the gateway's documentation, as it stands there, and a loop around it:
// one JSON body per line in, one line out: its signature, or for `form` the body with its signature
// as PHP encodes a form. The arguments are the key and `sign` or `form`.
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
    $params = json_decode($line, true, 512, JSON_THROW_ON_ERROR);
    $sign = makeSign($params, $argv[1]);
    echo $argv[2] == "form" ? http_build_query($params + ["sign" => $sign]) : $sign, "\n";
}
