<?php
// --list (JSON file: [[path of a body, [header, ...]], ...]) --url: posts the bodies one after another by PHP's cURL, and
// nothing else: no Moodle. Prints JSON: the seconds, and how many were answered with 200.
$given = getopt('', ['list:', 'url:']);
$posts = json_decode(file_get_contents($given['list']), true, 512, JSON_THROW_ON_ERROR);
$began = microtime(true);
$good = 0;
foreach ($posts as [$path, $headers]) {
    $curl = curl_init($given['url']);
    curl_setopt_array($curl, [
        CURLOPT_POST => true,
        CURLOPT_POSTFIELDS => file_get_contents($path),
        CURLOPT_HTTPHEADER => [...$headers, 'Expect:'],
        CURLOPT_RETURNTRANSFER => true,
        CURLOPT_TIMEOUT => 60,
    ]);
    curl_exec($curl);
    $good += curl_getinfo($curl, CURLINFO_HTTP_CODE) === 200 ? 1 : 0;
}
echo json_encode(['seconds' => microtime(true) - $began, 'good' => $good]), "\n";
